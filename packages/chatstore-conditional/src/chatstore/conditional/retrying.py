"""Wraps a `Database` and retries its idempotent calls on connection errors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chatstore.conditional.database import Database
from chatstore.core.backend import Plan

T = TypeVar("T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0
_TRIES = 8


class RetryingDatabase:
    """Retries everything but commits, whose repetition has to be decided by their caller."""

    def __init__(
        self, database: Database, is_doubtful: Callable[[Exception], bool], patience: float
    ) -> None:
        """Take a database, which errors are worth another try, and for how many seconds."""
        self._database = database
        self._is_doubtful = is_doubtful
        self._patience = patience
        self.limits = database.limits
        self.weigh = database.weigh
        self.commit = database.commit
        self.sleep = database.sleep

    def read_head(self, key: str) -> Plan[tuple[str, str] | None]:
        """See `Database`."""
        return self._again(lambda: self._database.read_head(key))

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[dict[str, str]]:
        """See `Database`."""
        return self._again(lambda: self._database.read_records(key, ids))

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """See `Database`."""
        return self._again(lambda: self._database.delete_head(key, expected))

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[None]:
        """See `Database`."""
        return self._again(lambda: self._database.stage(key, puts))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[None]:
        """See `Database`."""
        return self._again(lambda: self._database.discard(key, ids))

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[tuple[list[tuple[str, str]], Any | None]]:
        """See `Database`."""
        return self._again(lambda: self._database.list_heads(prefix, limit, cursor))

    def _again(self, begin: Callable[[], Plan[T]]) -> Plan[T]:
        deadline = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        for attempt in range(_TRIES):
            try:
                return (yield from begin())
            except Exception as error:
                is_last = attempt == _TRIES - 1 or time.monotonic() + pause > deadline
                if is_last or not self._is_doubtful(error):
                    raise
            yield from self.sleep(random.uniform(pause / 2, pause))
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise AssertionError  # the last try returns or raises
