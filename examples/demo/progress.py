"""What the demo says while it works: a line that is overwritten, or one every few seconds."""

import time
from collections.abc import Callable

from examples.demo.storing import Summary
from rich.console import Console

_SECONDS = {True: 0.2, False: 3.0}  # on a terminal, and where the output is piped


class Progress:
    """Tells how far the demo is."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        """Start now."""
        self._console = console
        self._clock = clock
        self._start = self._told_at = clock()

    def tell(self, summary: Summary) -> None:
        """Print a line if the last one is old enough."""
        now = self._clock()
        if now - self._told_at >= _SECONDS[self._console.is_terminal]:
            self._told_at = now
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
