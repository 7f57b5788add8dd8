"""What ``copy``, ``import`` and ``export`` share: options, progress and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chatstore.cli.amounts import counted
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.output import print_json, print_text
from chatstore.cli.progress import Advance, progress

if TYPE_CHECKING:
    from chatstore.migrate import MigrationReport, Progress

Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify", help="Compare each copy with its source, by count and digest."
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace messages and records that differ in the store."),
]
SkipErrors = Annotated[
    bool,
    typer.Option("--skip-errors", help="Leave out what cannot be copied, and list it at the end."),
]


def check_file(name: str, command: str) -> None:
    """Refuse a URL where a file is expected.

    Raises:
        CommandError: ``name`` is a URL.

    """
    if "://" in name:
        raise CommandError(
            f"a file comes before the store's URL: chatstore {command} FILE URL", ExitCode.USAGE
        )


def policy(*, skip_errors: bool) -> Literal["raise", "skip"]:
    """Return what to do about a conversation that cannot be copied."""
    return "skip" if skip_errors else "raise"


@contextmanager
def transferring(description: str) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of a migration, with rate and remaining time.

    Messages are counted if the source knows their number, otherwise conversations.
    """
    with ExitStack() as stack:
        advance: Advance | None = None
        done = 0

        def show(state: Progress) -> None:
            nonlocal advance, done
            by_message = state.total_messages is not None
            if advance is None:
                unit = "messages" if by_message else "conversations"
                total = state.total_messages if by_message else state.total
                advance = stack.enter_context(progress(description, unit, total))
            now = state.messages if by_message else state.conversations
            advance(max(0, now - done))
            done = max(now, done)

        yield show


def print_report(report: MigrationReport, *, json: bool) -> None:
    """Print what was copied.

    Raises:
        CommandError: Conversations were skipped.

    """
    if json:
        skipped = [{"key": one.key, "reason": one.reason} for one in report.skipped]
        print_json(
            {
                "conversations": report.conversations,
                "messages": report.messages,
                "copied": report.copied,
                "digest": report.digest,
                "skipped": skipped,
            }
        )
    else:
        _print_text(report)
    if report.skipped:
        raise CommandError(
            f"{counted(len(report.skipped), 'conversation')} skipped; the output says why"
        )


def _print_text(report: MigrationReport) -> None:
    earlier = report.messages - report.copied
    there = f", {earlier:,} were there already" if earlier else ""
    print_text(
        f"{counted(report.conversations, 'conversation')} with "
        f"{counted(report.messages, 'message')}: {report.copied:,} copied{there}"
    )
    if report.digest is not None:
        print_text(f"verified, digest {report.digest}")
    for one in report.skipped:
        print_text(f"skipped {one.key!r}: {one.reason}")
