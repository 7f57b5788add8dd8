"""Progress on stderr: a bar with rate and remaining time on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chatstore.cli.output import console

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
    target = console(stderr=True)
    if not target.is_terminal:
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
    )
    with bar:
        task = bar.add_task(description, total=total, rate="")

        def advance(units: int) -> None:
            bar.advance(task, units)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f", {speed:,.0f} a second" if speed else "")

        yield advance
