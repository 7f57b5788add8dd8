"""The demo's progress: a line that is overwritten, or a new line every few seconds."""

import time
from collections.abc import Callable

from examples.demo.storing import Summary
from rich.console import Console

_SECONDS = {True: 0.2, False: 3.0}  # on a terminal; in a pipe


class Progress:
    """Prints how many conversations were stored."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the clock."""
        self._console = console
        self._clock = clock
        self._start = self._printed_at = clock()

    def update(self, summary: Summary) -> None:
        """Print a line if the last one is old enough."""
        now = self._clock()
        if now - self._printed_at >= _SECONDS[self._console.is_terminal]:
            self._printed_at = now
            self._print(summary, now, end="\r" if self._console.is_terminal else "\n")

    def finish(self, summary: Summary) -> None:
        """Print the last line."""
        self._print(summary, self._clock(), end="\n")

    def _print(self, summary: Summary, now: float, end: str) -> None:
        rate = summary.messages / max(now - self._start, 0.001)
        line = (
            f"{summary.conversations:,} conversations with {summary.messages:,} messages stored "
            f"and read back, {rate:,.0f} messages a second"
        )
        self._console.print(line, end=end, soft_wrap=True, highlight=False)
        self._console.file.flush()
