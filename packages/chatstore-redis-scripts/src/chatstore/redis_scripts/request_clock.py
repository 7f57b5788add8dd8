"""``RequestClock``: the time at which a request is first sent, by the server's clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from chatstore.core import OutcomeUnknownError

TRUSTED_SECONDS = 150.0
"""How far this clock may be from the server's; the scripts refuse requests beyond that."""


class RequestClock:
    """Returns the time at which requests are sent.

    The server remembers requests for some minutes. It refuses older requests, which it may have
    forgotten, and answers with its own time. If a refused request is recent by the client's
    clocks, the two clocks differ: then this clock is set, and the request is sent again.
    """

    def __init__(self) -> None:
        """Start with the system's clock."""
        self._offset = 0.0

    def now(self) -> int:
        """Return the server's time in milliseconds since 1970."""
        return round(time.time() * 1000 + self._offset)

    def correct(self, server_time: int, age: float) -> None:
        """Set the clock after the server refused a request.

        Args:
            server_time: The server's time in milliseconds, as it answered.
            age: The seconds since the request was first sent.

        Raises:
            OutcomeUnknownError: The request was first sent so long ago that the server may have
                forgotten it.

        """
        if age > TRUSTED_SECONDS:
            raise too_old()
        self._offset = server_time - time.time() * 1000


def stopwatch() -> Callable[[], float]:
    """Return a function that returns the seconds since now, also after a suspension."""
    monotonic, wall = time.monotonic(), time.time()
    return lambda: max(time.monotonic() - monotonic, time.time() - wall)


def too_old() -> OutcomeUnknownError:
    """Return the error of a request that the server may have forgotten."""
    return OutcomeUnknownError(
        f"this request reached the server more than {TRUSTED_SECONDS:.0f} seconds after it was "
        "first sent, so the server cannot know whether it took effect before; read the "
        "conversation before you repeat the call"
    )
