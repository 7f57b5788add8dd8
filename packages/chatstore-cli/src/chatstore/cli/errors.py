"""How the command fails: one sentence on stderr, and an exit code."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

from chatstore.cli.clean import lines, one_line
from chatstore.cli.exit_codes import ExitCode
from chatstore.cli.secrets import hide_secrets

if TYPE_CHECKING:
    from chatstore.core import ChatStoreError


class CommandError(Exception):
    """A command cannot continue. The message is one sentence: what is wrong, and what to do."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        """Take the sentence and the exit code."""
        super().__init__(message)
        self.code = code


class PipeClosedError(Exception):
    """The reader of stdout ended, as ``head`` does; nothing is printed about it."""


def report_error(error: BaseException, *, debug: bool) -> ExitCode:
    """Print an error on stderr, with its stack trace if ``debug``; return the exit code."""
    message, code = _describe(error)
    sys.stderr.write(f"chatstore: {one_line(hide_secrets(message))}\n")
    if debug:
        # The standard library's format has no values of variables, which may be secrets.
        sys.stderr.write(lines(hide_secrets("".join(traceback.format_exception(error)))))
    sys.stderr.flush()
    return code


def _describe(error: BaseException) -> tuple[str, ExitCode]:
    import typer

    from chatstore.core import ChatStoreError

    if isinstance(error, CommandError):
        return str(error), error.code
    if isinstance(error, ChatStoreError):
        return sentence_of(error), _code_of(error)
    if isinstance(error, typer.TyperException):
        return f"{error.format_message()} Try: chatstore --help", ExitCode.USAGE
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return (f"{error.filename}: {reason}" if error.filename else reason), ExitCode.FAILED
    kind = type(error).__name__
    return (
        f"unexpected {kind}; this is a defect, please report it with the output of --debug",
        ExitCode.DEFECT,
    )


def sentence_of(error: ChatStoreError) -> str:
    """Return a store's error for readers at a prompt, who call no methods."""
    text = str(error.args[0]) if error.args else type(error).__name__  # without the failed method
    return text.replace("call setup()", "let your application call setup()").replace(
        "with setup()", "with setup() in your application"
    )


def _code_of(error: ChatStoreError) -> ExitCode:
    from chatstore import core

    for kinds, code in (
        ((core.InvalidArgumentError,), ExitCode.USAGE),
        ((core.StoreUnavailableError,), ExitCode.UNREACHABLE),
        ((core.StoreAccessError,), ExitCode.DENIED),
        (
            (
                core.StoreSetupError,
                core.StoreFullError,
                core.SchemaVersionError,
                core.CorruptStoreError,
                core.CorruptMessageError,
            ),
            ExitCode.SETUP,
        ),
    ):
        if isinstance(error, kinds):
            return code
    return ExitCode.FAILED
