"""Shows how far a run is: a bar on a terminal, otherwise a line now and then."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_INTERVAL = 20.0  # seconds between two lines


class Ticks:
    """Is called with the name of each step at its beginning."""

    def __init__(self, steps: int) -> None:
        """Expect this many steps."""
        self._console = Console(stderr=True)
        bar = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        text = TextColumn("{task.description}")
        is_terminal = self._console.is_terminal
        self._progress = Progress(*bar, text, console=self._console, disable=not is_terminal)
        self._task = self._progress.add_task("Starting", total=steps)
        self._steps = steps
        self._done = 0
        self._start = self._shown = time.monotonic()
        self._progress.start()

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()

    def __call__(self, step: str) -> None:
        """Show a step."""
        self._progress.update(self._task, advance=1, description=step)
        self._done += 1
        now = time.monotonic()
        if not self._console.is_terminal and now - self._shown > _INTERVAL:
            self._shown = now
            minutes, seconds = divmod(int(now - self._start), 60)
            share = 100 * self._done // self._steps
            self._console.print(f"{minutes}:{seconds:02} {share} % {step}", highlight=False)
