"""Progress: a bar with rate and remaining time on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chatstore.cli.output import console

if TYPE_CHECKING:
    from rich.console import Console

Advance = Callable[[int], None]
"""Reports how many more units are done."""


@contextmanager
def progress(description: str, unit: str, total: int | None = None) -> Iterator[Advance]:
    """Show the progress of a block; it disappears when the block ends.

    Args:
        description: What is done, such as ``"Searching"``.
        unit: What is counted, in the plural, such as ``"conversations"``.
        total: How many units there are; ``None``: unknown, so no remaining time is shown.

    """
    target = _console()
    if target is None:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:,.0f} " + unit + "{task.fields[rate]}"),
        *(() if total is None else (TimeRemainingColumn(),)),
        console=target,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task(description, total=total, rate="")

        def advance(units: int) -> None:
            bar.advance(task, units)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f", {speed:,.0f} a second" if speed else "")

        yield advance


def _console() -> Console | None:
    """Return the console for the bar.

    It is stdout's, if that is a terminal: then what is printed appears above the bar. Otherwise it
    is stderr's, so that nothing of the bar gets into a pipe.
    """
    for stream, is_stderr in ((sys.stdout, False), (sys.stderr, True)):
        target = console(stderr=is_stderr)
        if target.is_terminal and stream.isatty():
            return target
    return None
