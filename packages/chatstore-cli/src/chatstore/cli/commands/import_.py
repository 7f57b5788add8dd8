"""``chatstore import``: read conversations from a file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, cast

import typer

from chatstore.cli.arguments import Json, Url
from chatstore.cli.stores import open_or_create
from chatstore.cli.transfers import (
    Overwrite,
    SkipErrors,
    Verify,
    check_file,
    policy,
    print_report,
    transferring,
)

_CHUNK = 1 << 20


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The file; - reads the standard input.")
    ],
    url: Url = None,
    *,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["jsonl", "openai", "chatgpt", "claude"] | None,
        typer.Option("--format", help="The format; by default what the file contains."),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="OWNER", help="The owner of all these conversations."),
    ] = None,
    key_prefix: Annotated[
        str, typer.Option("--key-prefix", metavar="TEXT", help="Put this before each key.")
    ] = "",
    verify: Verify = True,
    overwrite: Overwrite = False,
    skip_errors: SkipErrors = False,
    json: Json = False,
) -> None:
    """Read conversations from a file, such as an export of this program, ChatGPT or Claude.

    The whole file is checked before anything is written. Run it again after an interruption.
    """
    from chatstore.migrate import import_conversations

    check_file(file, "import")
    with (
        _opened(file) as source,
        open_or_create(url) as store,
        transferring("Importing") as on_progress,
    ):
        report = import_conversations(
            source,
            store,
            format,
            name="stdin" if file == "-" else Path(file).stem,
            owner=owner,
            key_prefix=key_prefix,
            on_error=policy(skip_errors=skip_errors),
            overwrite=overwrite,
            verify=verify,
            progress=on_progress,
        )
    print_report(report, json=json)


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """Open a file; the standard input is copied into a temporary one, since it is read twice."""
    if name != "-":
        with Path(name).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        while chunk := sys.stdin.buffer.read(_CHUNK):
            copy.write(chunk)
        yield cast("BinaryIO", copy)
