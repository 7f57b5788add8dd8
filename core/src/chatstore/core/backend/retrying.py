"""``retry``: repeats a request until it is answered, for a limited time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple, TypeVar

from chatstore.core.backend.concurrent import slow_down
from chatstore.core.backend.observing import current_call
from chatstore.core.backend.plans import Plan
from chatstore.core.logs import log_reconnect, log_retry

C = TypeVar("C")
T = TypeVar("T")
_random = secrets.SystemRandom()  # a program may seed the global generator
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class RetryPolicy(NamedTuple):
    """For how long and with which pauses a request is repeated.

    Attributes:
        patience: Seconds after the first attempt until no other one begins; 0: one attempt.
        first_pause: Seconds before the second attempt; doubled after each one.
        longest_pause: The longest pause, in seconds.
        attempts: The most attempts; ``None``: only `patience` limits them.
        jitter: Which share of a pause is random, from 0 to 1.

    """

    patience: float
    first_pause: float = 0.02
    longest_pause: float = 1.0
    attempts: int | None = None
    jitter: float = 0.5


class Retryable(NamedTuple):
    """Why a request failed, and how it may be repeated.

    Attributes:
        reason: In a few words, for logs; ``None``: usual, and not logged.
        pause: Seconds to wait; ``None``: the policy's, with jitter.
        is_free: Repeat it even if `RetryPolicy.patience` is over.
        prepare: Returns a plan to carry out before the next attempt; its errors end the request.

    """

    reason: str | None
    pause: float | None = None
    is_free: bool = False
    prepare: Callable[[], Plan[Any, None]] | None = None


def retry(
    begin: Callable[[], Plan[C, T]],
    judge: Callable[[Exception, int], Retryable | None],
    *,
    policy: RetryPolicy,
    sleep: Callable[[float], Plan[C, None]],
    server: str,
) -> Plan[C, T]:
    """Carry out a request that may take effect twice without harm, until it is answered.

    Args:
        begin: Returns the plan of one attempt.
        judge: Decides about an error, given the number of attempts so far; ``None``: give up.
        policy: For how long to repeat.
        sleep: Returns a plan that waits for some seconds.
        server: The server, for logs.

    Raises:
        Exception: The last attempt's error.
        StoppedError: A plan that is carried out at the same time failed, see `concurrently`.

    """
    started = now()
    growing = policy.first_pause
    for attempt in count(1):
        try:
            return (yield from begin())
        except Exception as error:
            failure = judge(error, attempt)
            if failure is None or attempt == policy.attempts:
                raise
            pause = failure.pause
            if pause is None:
                pause = growing * _random.uniform(1 - policy.jitter, 1)
            if not failure.is_free and now() - started + pause > policy.patience:
                raise
        slow_down()
        _announce(server, failure.reason, pause)
        if pause:
            yield from sleep(pause)
        if failure.prepare is not None:
            yield from failure.prepare()
        growing = min(2 * growing, policy.longest_pause)
    raise AssertionError  # `count` does not end


def _announce(server: str, reason: str | None, pause: float) -> None:
    """Tell the observer of the current call, and the log."""
    observed = current_call.get()
    if observed is not None:
        observed.retried(reason, pause)
    if reason is not None:
        if pause:
            log_retry(server, reason, pause)
        else:
            log_reconnect(server, reason)


def now() -> float:
    """Return a time in seconds that also passes while the machine is suspended, where possible."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)
