"""Waiting for other processes that write, in short turns."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_TURN = 8  # milliseconds


def take_turns(connection: sqlite3.Connection) -> None:
    """Let a connection's statements wait for a turn; `until_free` begins the next one.

    SQLite looks less and less often, in the end ten times a second, so that who waits long is
    overtaken again and again: https://sqlite.org/c3ref/busy_timeout.html. In a turn it looks after
    1, 2 and 5 ms.
    """
    connection.execute(f"PRAGMA busy_timeout = {_TURN}")


def until_free(step: Callable[[], T], seconds: float) -> T:
    """Do a step, again for so many seconds while others lock the file.

    Raises:
        sqlite3.OperationalError: It failed for another reason, or was locked all the time.

    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return step()
        except sqlite3.OperationalError as error:
            if "is locked" not in str(error) or time.monotonic() > deadline:
                raise
