"""The primitives over dictionaries: an example for authors of databases."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

from chatstore.conditional.backend import ConditionalBackend
from chatstore.conditional.database import Database, HeadWrite, Limits
from chatstore.core import ChatStore, ChatStoreError
from chatstore.core.backend import ForkLock, MaybeAwaitable, Plan, async_run, call, run

T = TypeVar("T")
Sleep: TypeAlias = Callable[[float], MaybeAwaitable[None]]
"""The client: the function that waits."""


class MemoryDatabase(Database[Sleep]):
    """Heads with their versions, and records, by conversation."""

    server = "memory"
    concurrency = 4

    def __init__(self, limits: Limits | None = None) -> None:
        """Create an empty database."""
        self.limits = limits or Limits(100, 400_000, 100_000)
        self.heads: dict[str, tuple[str, str]] = {}
        self.records: dict[str, dict[str, str]] = {}
        self.lists: MemoryDatabase | None = None
        self._lock = ForkLock()

    def weigh(self, body: str) -> int:
        """Return the bytes in UTF-8."""
        return len(body.encode("utf-8", "surrogatepass"))

    def read_head(self, key: str) -> Plan[Sleep, tuple[str, str] | None]:
        """See `Database.read_head`."""
        return call(lambda _: self.heads.get(key))

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[Sleep, dict[str, str]]:
        """See `Database.read_records`."""

        def read(_: Sleep) -> dict[str, str]:
            with self._lock:
                records = self.records.get(key, {})
                return {name: records[name] for name in ids if name in records}

        return call(read)

    def commit(self, key: str, write: HeadWrite) -> Plan[Sleep, str | None]:
        """See `Database.commit`; exceeding the limits is an error."""

        def commit(_: Sleep) -> str | None:
            self._check(write.puts, write.deletes)
            with self._lock:
                current = self.heads.get(key)
                records = self.records.get(key, {})
                is_missing = any(name not in records for name in write.deletes)
                if is_missing or (current and current[1]) != write.expected:
                    return None
                version = uuid.uuid4().hex
                self.heads[key] = (write.head, version)
                records = self.records.setdefault(key, {})
                records.update(write.puts)
                for name in write.deletes:
                    del records[name]
                return version

        return call(commit)

    def delete_head(self, key: str, expected: str) -> Plan[Sleep, None]:
        """See `Database.delete_head`."""

        def delete(_: Sleep) -> None:
            with self._lock:
                if self.heads.get(key, ("", ""))[1] == expected:
                    del self.heads[key]

        return call(delete)

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[Sleep, None]:
        """See `Database.stage`; one record after the other."""
        for name, body in puts.items():
            self._check({name: body}, ())
            yield from call(partial(self.put, key, name, body))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[Sleep, None]:
        """See `Database.discard`."""

        def delete(_: Sleep) -> None:
            with self._lock:
                for name in ids:
                    self.records.get(key, {}).pop(name, None)

        return call(delete)

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Sleep, tuple[list[tuple[str, str]], Any | None]]:
        """See `Database.list_heads`; the cursor is the last key."""

        def scan(_: Sleep) -> tuple[list[tuple[str, str]], Any | None]:
            with self._lock:
                keys = sorted(k for k in self.heads if cursor is None or k > cursor)[:limit]
                heads = [(k, self.heads[k][0]) for k in keys if k.startswith(prefix)]
                return heads, keys[-1] if len(keys) == limit else None

        return call(scan)

    def owner_lists(self) -> MemoryDatabase:
        """See `Database.owner_lists`."""
        with self._lock:
            if self.lists is None:
                self.lists = MemoryDatabase(self.limits)
            return self.lists

    def sleep(self, seconds: float) -> Plan[Sleep, None]:
        """See `Database.sleep`."""
        return call(lambda sleep: sleep(seconds))

    def put(self, key: str, name: str, body: str, _: Sleep) -> None:
        """Write one record."""
        with self._lock:
            self.records.setdefault(key, {})[name] = body

    def _check(self, puts: Mapping[str, str], deletes: Sequence[str]) -> None:
        sizes = [self.weigh(body) for body in puts.values()]
        if 1 + len(puts) + len(deletes) > self.limits.operations:
            raise ValueError("a commit has too many operations")
        if (
            sum(sizes) > self.limits.commit_bytes
            or max(sizes, default=0) > self.limits.record_bytes
        ):
            raise ValueError("a commit or a record has too many bytes")


class MemoryBackend(ConditionalBackend[Sleep]):
    """A backend over a `MemoryDatabase`."""

    def run(self, plan: Plan[Sleep, T]) -> T:
        """See `Backend.run`."""
        return run(plan, time.sleep)

    async def async_run(self, plan: Plan[Sleep, T]) -> T:
        """See `Backend.async_run`."""
        import asyncio  # a sync program never loads it

        return await async_run(plan, asyncio.sleep)

    def translate(self, error: Exception) -> ChatStoreError | None:  # noqa: ARG002 - no driver
        """Return ``None``: there is no driver."""
        return None

    def close(self) -> None:
        """Do nothing: nothing is open."""

    async def async_close(self) -> None:
        """Do nothing: nothing is open."""


class MemoryChatStore(ChatStore):
    """A store over a `MemoryDatabase`, which several stores may share."""

    def __init__(
        self,
        database: MemoryDatabase,
        *,
        ttl: float | None = None,
        patience: float = 30.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep conversations in a database; see `ConditionalBackend` for the options."""
        super().__init__(MemoryBackend(database, ttl=ttl, patience=patience, clock=clock))
