"""The exit codes of the command; ``docs/command-line.md`` lists them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command's exit code means."""

    OK = 0
    FAILED = 1
    """A check failed, something does not exist or differs, or the user declined."""

    USAGE = 2
    """An argument, an option, a URL or an input file is not valid, or a package is missing."""

    UNREACHABLE = 3
    """The database does not answer; trying again may help."""

    DENIED = 4
    """The database refused the credentials or the rights."""

    SETUP = 5
    """The database is set up wrongly, full, damaged, or written by a later version."""

    DEFECT = 70
    """An error that the command does not expect; please report it."""

    INTERRUPTED = 130
    """Ctrl-C."""

    BROKEN_PIPE = 141
    """The reader of a pipe ended, as ``head`` does."""
