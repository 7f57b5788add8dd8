"""When a call is sent again, for how long, and what the caller is told in the end."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from chatstore.core.backend import Plan, call
from chatstore.core.errors import ChatStoreError, OutcomeUnknownError
from chatstore.core.logs import log_retry
from chatstore.postgres.answers import Again
from chatstore.postgres.errors import NotConnectedError, NotReadyError, Reading

if TYPE_CHECKING:
    from chatstore.postgres.calls import Calls

MEMORY_SECONDS = 600
"""For how long the database remembers what a call did."""
LONGEST_DOUBT = 300.0
"""For how long a write is sent again that may have taken effect: well within the memory."""
_FIRST_SECONDS = 1.0  # a server that was never reached is probably a wrong address
_REPAIRS = 5  # how often a call is repeated that only met another writer, however impatient it is
_PAUSES = (0.005, 1.0)  # seconds before a call is sent again: the first, and the longest
_random = secrets.SystemRandom()  # the program's own generator may be seeded


class Attempts:
    """The attempts of one call.

    Attributes:
        may_be_done: An attempt may have taken effect, though its answer is missing.

    """

    def __init__(self, calls: Calls, *, is_write: bool, started: float | None = None) -> None:
        """Begin to count.

        Args:
            calls: The store's calls.
            is_write: An attempt may have an effect.
            started: When the first attempt was sent, by `now`; ``None``: it is yet to be sent.

        """
        self._calls = calls
        self._is_write = is_write
        self._started = now() if started is None else started
        self._failed_at: float | None = None
        self._pause = _PAUSES[0]
        self._failures = 0
        self._was_checked = False
        self.may_be_done = False

    def fail(self, error: Exception) -> Plan[None]:
        """Wait until the call can be sent again.

        Raises:
            Exception: It cannot: the error itself.
            OutcomeUnknownError: It cannot, and an earlier attempt may have taken effect.

        """
        if isinstance(error, NotReadyError):
            yield from self._calls.get_ready()
            return
        reading = self._calls.errors.read(error)
        if reading is None or isinstance(error, ChatStoreError):
            raise error
        self.may_be_done |= self._is_write and reading.answer.may_be_done
        again = reading.answer.again
        if again is Again.AFTER_A_CHECK and not self._was_checked:
            self._was_checked = True
            yield from call(_forget)
            return
        if again in {Again.NEVER, Again.AFTER_A_CHECK} or self._is_over(error, reading):
            raise self._last(error, reading)
        if again is Again.AFTER_A_PAUSE or self._failures:
            yield from self._wait(reading)
        self._failures += 1

    def give_up_in_time(self) -> None:
        """Do not send a write again that may be done, once the database may have forgotten it.

        Raises:
            OutcomeUnknownError: It was sent for the first time too long ago.

        """
        if self.may_be_done and now() - self._started > LONGEST_DOUBT:
            raise self._unknown("the write was sent for the first time too long ago")

    def _is_over(self, error: Exception, reading: Reading) -> bool:
        """Whether the call was tried for long enough."""
        if reading.answer.again is Again.AT_ONCE and self._failures < _REPAIRS:
            return False
        patience = self._calls.patience
        never_reached = isinstance(error, NotConnectedError) and not self._calls.was_reached
        if never_reached and not reading.answer.is_answered:
            patience = min(patience, _FIRST_SECONDS)
        if self._failed_at is None:
            self._failed_at = now()
        return now() - self._failed_at >= patience

    def _wait(self, reading: Reading) -> Plan[None]:
        seconds = self._pause * _random.uniform(0.5, 1)
        log_retry(f"Postgres at {self._calls.errors.place}", reading.reason, seconds)
        yield from call(lambda client: client.sleep(seconds))
        self._pause = min(2 * self._pause, _PAUSES[1])

    def _last(self, error: Exception, reading: Reading) -> Exception:
        return self._unknown(reading.reason) if self.may_be_done else error

    def _unknown(self, reason: str) -> OutcomeUnknownError:
        message = (
            f"Postgres at {self._calls.errors.place}: {reason}; this write may or may not have "
            "taken effect: read the conversation before you repeat it"
        )
        return OutcomeUnknownError(message)


def _forget(client: object) -> None:
    client.is_ready = False  # type: ignore[attr-defined]  # clients of both modes have it


def now() -> float:
    """Return a time in seconds that also passes while the machine sleeps, where that is offered."""
    return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.monotonic()


_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)
