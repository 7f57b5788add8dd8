"""Waiting for other writers, a few milliseconds at a time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from chatstore.core.backend import raise_if_cancelled

T = TypeVar("T")
_STATEMENT_WAIT = 8  # milliseconds
_LOCK_WAIT = 0.05  # seconds between two looks at whether the call was cancelled


def shorten_waits(connection: sqlite3.Connection) -> None:
    """Let a connection's statements wait briefly; `until_free` tries again.

    SQLite polls less and less often, in the end ten times a second, so that a writer who waits
    for long is overtaken again and again: https://sqlite.org/c3ref/busy_timeout.html. Within
    8 ms it polls after 1, 2 and 5 ms.
    """
    connection.execute(f"PRAGMA busy_timeout = {_STATEMENT_WAIT}")


def until_free(step: Callable[[], T], seconds: float) -> T:
    """Do a step, and try it again for so many seconds while others lock the file.

    Raises:
        sqlite3.OperationalError: It failed for another reason, or was locked all the time.
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


def acquire(lock: threading.Lock, seconds: float) -> bool:
    """Acquire a lock within a time; ``False``: it was held all the time.

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
