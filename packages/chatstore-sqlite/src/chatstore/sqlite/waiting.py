"""Wait for other writers, a few milliseconds at a time."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from chatstore.core.backend import raise_if_cancelled

T = TypeVar("T")
_STATEMENT_WAIT = 8  # milliseconds
_LOCK_WAIT = 0.05  # seconds between two checks whether the call was cancelled
_random = random.SystemRandom()  # forked processes share the state of the global generator


def shorten_waits(connection: sqlite3.Connection) -> None:
    """Let a connection's statements wait briefly; `until_free` repeats them.

    SQLite polls less and less often, down to ten times a second, so writers that have waited long
    are overtaken again and again: https://sqlite.org/c3ref/busy_timeout.html. Within
    8 ms it polls after 1, 2 and 5 ms.
    """
    connection.execute(f"PRAGMA busy_timeout = {_STATEMENT_WAIT}")


def until_free(step: Callable[[], T], seconds: float, *, longest_pause: float = 0.0) -> T:
    """Run a step, and repeat it for a limited time while others lock the file.

    This is not `chatstore.core.backend.retry`: SQLite itself waits in the step, which may be part
    of a transaction.

    Args:
        step: The step, usually a statement.
        seconds: For how long to repeat it.
        longest_pause: The longest pause between two attempts, in seconds, of random length; for
            statements that do not wait themselves.

    Raises:
        sqlite3.OperationalError: The step failed for another reason, or the file was locked all
            the time.
        CallCancelledError: The call was cancelled while it waited.

    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return step()
        except sqlite3.OperationalError as error:
            if "is locked" not in str(error) or time.monotonic() > deadline:
                raise
            raise_if_cancelled()
            if longest_pause:
                time.sleep(_random.uniform(0.001, longest_pause))


def acquire(lock: threading.Lock, seconds: float) -> bool:
    """Acquire a lock within a time; return whether it was acquired.

    Raises:
        CallCancelledError: The call was cancelled while it waited.

    """
    if lock.acquire(blocking=False):
        return True
    deadline = time.monotonic() + seconds
    while not lock.acquire(timeout=max(0.0, min(_LOCK_WAIT, deadline - time.monotonic()))):
        raise_if_cancelled()
        if time.monotonic() >= deadline:
            return False
    return True
