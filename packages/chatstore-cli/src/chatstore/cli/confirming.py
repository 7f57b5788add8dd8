"""Asking before something is deleted."""

from __future__ import annotations

import sys

import typer

from chatstore.cli.clean import one_line
from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode


def confirm(question: str, *, yes: bool) -> None:
    """Return if the user agrees, or ``yes`` is given.

    Raises:
        CommandError: The user declines, or stdin is not a terminal, so nobody can be asked.

    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            "nobody can be asked for confirmation, since the input is not a terminal: add --yes",
            ExitCode.USAGE,
        )
    if not typer.confirm(one_line(question), err=True):
        raise CommandError("nothing was changed, as you declined")
