"""``chatstore export``: write conversations to a file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, cast

import typer

from chatstore.cli.amounts import counted
from chatstore.cli.arguments import Json, Owner, Prefix, Url
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.output import print_json, print_text
from chatstore.cli.progress import progress
from chatstore.cli.stores import open_existing
from chatstore.cli.transfers import check_file

if TYPE_CHECKING:
    from chatstore.migrate import ExportFormat, ExportReport


def export(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The file; - writes to the standard output.")
    ],
    url: Url = None,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["jsonl", "openai", "sharegpt", "parquet", "markdown", "html"] | None,
        typer.Option("--format", help="The format; by default what the name of FILE says."),
    ] = None,
    owner: Owner = None,
    prefix: Prefix = "",
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="Only this conversation; may be repeated."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace FILE if it exists.")
    ] = False,
    json: Json = False,
) -> None:
    """Write conversations to a file. Only the format jsonl keeps everything, for import.

    The file appears when it is complete; only its owner can read it.
    """
    from chatstore.migrate import export_conversations

    check_file(file, "export")
    chosen = _format(file, format)
    with (
        open_existing(url) as store,
        _output(file, overwrite=overwrite) as output,
        progress("Exporting", "conversations") as advance,
    ):
        try:
            report = export_conversations(
                store,
                output,
                chosen,
                prefix=prefix,
                owner=owner,
                keys=key or None,
                progress=lambda _: advance(1),
            )
        except ImportError as error:  # its message says what to install
            raise CommandError(str(error), ExitCode.USAGE) from None
        if key and report.conversations < len(set(key)):
            raise CommandError("there is no conversation with one of the keys")
    if file != "-":
        _print(report, json=json)


def _format(file: str, requested: ExportFormat | None) -> ExportFormat:
    from chatstore.migrate import format_of

    chosen = requested or format_of(file) or ("jsonl" if file == "-" else None)
    if chosen is None:
        raise CommandError(
            f"the name {file!r} does not say the format: add --format, or name it .jsonl, "
            ".parquet, .md or .html",
            ExitCode.USAGE,
        )
    return chosen


@contextmanager
def _output(name: str, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file that gets its name when the block ends without an error."""
    if name == "-":
        if sys.stdout.isatty():
            raise CommandError(
                "stored text could control the terminal: name a file, or use a pipe",
                ExitCode.USAGE,
            )
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if path.exists() and not path.is_file():
        raise CommandError(f"{name} is not a regular file: name another one", ExitCode.USAGE)
    if path.exists() and not overwrite:
        raise CommandError(f"{name} exists: add --overwrite to replace it")
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield cast("BinaryIO", file)
            file.flush()
            os.fsync(file.fileno())  # otherwise a power failure may leave the name without the text
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _print(report: ExportReport, *, json: bool) -> None:
    if json:
        print_json({"conversations": report.conversations, "messages": report.messages})
    else:
        print_text(
            f"{counted(report.conversations, 'conversation')} with "
            f"{counted(report.messages, 'message')} written"
        )
