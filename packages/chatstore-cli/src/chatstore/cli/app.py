"""The command's parser, and the one place where its errors are handled."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from chatstore.cli.clean import lines
from chatstore.cli.commands.bench import bench
from chatstore.cli.commands.conformance import conformance
from chatstore.cli.commands.copy import copy
from chatstore.cli.commands.delete import delete
from chatstore.cli.commands.demo import demo
from chatstore.cli.commands.doctor import doctor
from chatstore.cli.commands.erase import erase
from chatstore.cli.commands.export import export
from chatstore.cli.commands.import_ import import_
from chatstore.cli.commands.ls import ls
from chatstore.cli.commands.prune import prune
from chatstore.cli.commands.search import search
from chatstore.cli.commands.show import show
from chatstore.cli.commands.stats import stats
from chatstore.cli.commands.view import view
from chatstore.cli.errors import PipeClosedError, report_error
from chatstore.cli.exit_codes import ExitCode

COMMANDS: tuple[Callable[..., None], ...] = (
    ls,
    show,
    view,
    stats,
    search,
    delete,
    prune,
    erase,
    export,
    import_,
    copy,
    doctor,
    conformance,
    demo,
    bench,
)
"""All commands, in the order of ``--help``; a trailing underscore is not part of the name."""

_DEBUG = "--debug"


def create_app() -> typer.Typer:
    """Return the parser with all commands."""
    app = typer.Typer(
        name="chatstore",
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # they would show values of variables, which may be secrets
        rich_markup_mode="rich" if sys.stdout.isatty() else None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for command in COMMANDS:
        app.command(command.__name__.strip("_"))(command)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command; return the exit code."""
    debug, arguments = _move_debug_first(arguments)
    _configure_streams()
    _configure_logs(debug=debug)
    try:
        code = create_app()(arguments, prog_name="chatstore", standalone_mode=False)
        sys.stdout.flush()
    except (PipeClosedError, BrokenPipeError):
        # The interpreter flushes stdout when it exits, which would raise again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - every error becomes a sentence and a code
        return report_error(error, debug=debug)
    return code if isinstance(code, int) else ExitCode.OK


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(version("chatstore-cli"))
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(_DEBUG, help="Show stack traces and each call of the store, on stderr."),
    ] = False,
) -> None:
    """List, read, copy, export, check and erase the conversations of LLM applications.

    A store's URL is the last argument of each command. CHATSTORE_URL is used without it, and keeps
    passwords out of the list of processes.
    """


def _move_debug_first(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """Let ``--debug`` be anywhere before ``--``, also behind the command."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != _DEBUG]
    debug = len(options) < end
    return debug, [*([_DEBUG] if debug else []), *options, *arguments[end:]]


def _configure_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A terminal that is not UTF-8 shows escapes instead of an error.
            reconfigure(errors="backslashreplace")


class _LineFormatter(logging.Formatter):
    """Escapes what could control the terminal: lines contain keys."""

    def format(self, record: logging.LogRecord) -> str:
        return lines(super().format(record))


def _configure_logs(*, debug: bool) -> None:
    """Show the store's log only with ``--debug``: it would interrupt the output."""
    logger = logging.getLogger("chatstore")
    if debug:
        handler: logging.Handler = logging.StreamHandler()
        handler.setFormatter(_LineFormatter("%(name)s: %(message)s"))
        logger.setLevel(logging.DEBUG)
    else:
        handler = logging.NullHandler()
    logger.addHandler(handler)
