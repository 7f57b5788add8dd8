"""Repeats harmless requests for a moment, as a plan; longer patience belongs to the caller."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from typing import Any, TypeVar

from chatstore.core.backend import Plan, is_timeout, is_unreachable, reason_of
from chatstore.core.logs import log_retry

T = TypeVar("T")
ATTEMPTS = 3
_FIRST_PAUSE = 0.05  # seconds
_random = SystemRandom()


def repeated(
    begin: Callable[[], Plan[T]],
    *,
    is_busy: Callable[[Exception], bool],
    sleep: Callable[[float], Plan[None]],
    server: str,
) -> Plan[T]:
    """Carry out a request that may take effect twice without harm, at most `ATTEMPTS` times.

    Args:
        begin: Returns the plan of the request.
        is_busy: Tells whether the request may succeed in a moment.
        sleep: Waits.
        server: A name for logs.

    """
    pause = _FIRST_PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return (yield from begin())
        except Exception as error:
            # Where nothing listens, the caller decides how long to go on.
            if not is_busy(error) or is_unreachable(error):
                raise
            # One new connection shows whether only the old one was dead; more would wait longer.
            if attempt == ATTEMPTS or (is_timeout(error) and attempt > 1):
                raise
            reason = _reason(error)
        log_retry(server, reason, pause)
        yield from sleep(pause * _random.uniform(0.5, 1))
        pause *= 2
    raise AssertionError  # the last attempt returns or raises


def _reason(error: Any) -> str:
    status = getattr(error, "status_code", None)
    return f"HTTP status {status}" if isinstance(status, int) else reason_of(error)
