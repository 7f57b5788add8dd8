"""``RetryingDatabase``: wraps a `Database` and retries its idempotent calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chatstore.conditional.database import Database, HeadWrite
from chatstore.core.backend import Plan, Retryable, RetryPolicy, retry

C = TypeVar("C")
T = TypeVar("T")
_ATTEMPTS = 8


class RetryingDatabase(Database[C]):
    """Retries everything except commits: their caller must find out first what became of them."""

    def __init__(
        self,
        database: Database[C],
        judge: Callable[[Exception, int], Retryable | None],
        patience: float,
    ) -> None:
        """Wrap a database.

        Args:
            database: The database.
            judge: Decides about an error, see `retry`.
            patience: Seconds for which a call is repeated.

        """
        self._database = database
        self._judge = judge
        self._policy = RetryPolicy(patience, attempts=_ATTEMPTS)
        self.server = database.server
        self.limits = database.limits
        self.concurrency = database.concurrency

    def weigh(self, body: str) -> int:
        """See `Database.weigh`."""
        return self._database.weigh(body)

    def read_head(self, key: str) -> Plan[C, tuple[str, str] | None]:
        """See `Database.read_head`."""
        return self._retry(lambda: self._database.read_head(key))

    def read_heads(self, keys: Sequence[str]) -> Plan[C, dict[str, tuple[str, str]]]:
        """See `Database.read_heads`."""
        return self._retry(lambda: self._database.read_heads(keys))

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[C, dict[str, str]]:
        """See `Database.read_records`."""
        return self._retry(lambda: self._database.read_records(key, ids))

    def commit(self, key: str, write: HeadWrite) -> Plan[C, str | None]:
        """See `Database.commit`; it is sent once."""
        return self._database.commit(key, write)

    def delete_head(self, key: str, expected: str) -> Plan[C, None]:
        """See `Database.delete_head`."""
        return self._retry(lambda: self._database.delete_head(key, expected))

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[C, None]:
        """See `Database.stage`."""
        return self._retry(lambda: self._database.stage(key, puts))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[C, None]:
        """See `Database.discard`."""
        return self._retry(lambda: self._database.discard(key, ids))

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[C, tuple[list[tuple[str, str]], Any | None]]:
        """See `Database.list_heads`."""
        return self._retry(lambda: self._database.list_heads(prefix, limit, cursor))

    def owner_lists(self) -> Database[C] | None:
        """See `Database.owner_lists`; its calls are not retried."""
        return self._database.owner_lists()

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[C, tuple[list[tuple[str, tuple[str, str]]], Any | None]]:
        """See `Database.list_owned`."""
        return self._retry(lambda: self._database.list_owned(owner, limit, cursor))

    def sleep(self, seconds: float) -> Plan[C, None]:
        """See `Database.sleep`."""
        return self._database.sleep(seconds)

    def _retry(self, begin: Callable[[], Plan[C, T]]) -> Plan[C, T]:
        return retry(
            begin, self._judge, policy=self._policy, sleep=self._database.sleep, server=self.server
        )
