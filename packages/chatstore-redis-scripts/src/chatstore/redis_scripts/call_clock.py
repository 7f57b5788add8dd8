"""When a call was sent, by a clock that the server trusts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chatstore.core import OutcomeUnknownError
from chatstore.core.backend import Plan

TRUSTED_SECONDS = 150.0
"""How far this clock may be from the server's; the scripts refuse calls that are further away."""

_ATTEMPTS = 3


class CallClock:
    """Gives calls the time at which they are sent.

    The server remembers calls for some minutes. It refuses a call that is older, which it may have
    forgotten, and answers with its own time. A call that is young by its own client's clocks was
    refused because the clocks differ: then this clock is set, and the call is sent again.
    """

    def __init__(self) -> None:
        """Start with the system's clock."""
        self._offset = 0.0

    def sending(self, send: Callable[[int], Plan[Any]]) -> Plan[Any]:
        """Send a call and return its reply.

        Args:
            send: Sends the call; it is given the time in milliseconds. Its reply is an integer,
                the server's time, where the call was refused.

        Raises:
            OutcomeUnknownError: The call was sent so long ago that the server may have forgotten
                that it carried the call out.

        """
        age = _ages()
        for _ in range(_ATTEMPTS):
            reply = yield from send(round(time.time() * 1000 + self._offset))
            if not isinstance(reply, int):
                return reply
            if age() > TRUSTED_SECONDS:
                break
            self._offset = reply - time.time() * 1000
        raise OutcomeUnknownError(
            f"this call reached the server more than {TRUSTED_SECONDS:.0f} seconds after it was "
            "first sent, so the server cannot tell whether it took effect before; read the "
            "conversation before you repeat the call"
        )


def _ages() -> Callable[[], float]:
    """Return what tells the seconds since now, also after the machine was suspended."""
    monotonic, wall = time.monotonic(), time.time()
    return lambda: max(time.monotonic() - monotonic, time.time() - wall)
