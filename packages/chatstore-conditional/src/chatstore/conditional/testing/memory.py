"""The primitives over dictionaries: what an author of a database may compare with."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from chatstore.conditional.database import Limits
from chatstore.conditional.store import RecordsChatStore
from chatstore.core import ChatStoreError
from chatstore.core.backend import ForkAware, Plan, async_run, call, run, watch

T = TypeVar("T")


class MemoryDatabase(ForkAware):
    """Heads with their versions, and records, by conversation."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Make an empty database."""
        self.limits = limits or Limits(100, 400_000, 100_000)
        self.heads: dict[str, tuple[str, str]] = {}
        self.records: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        watch(self)

    def before_fork(self) -> None:
        """Let calls end before a fork."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Go on."""
        self._lock.release()

    def weigh(self, body: str) -> int:
        """Return the bytes in UTF-8."""
        return len(body.encode("utf-8", "surrogatepass"))

    def read_head(self, key: str) -> Plan[tuple[str, str] | None]:
        """See `Database`."""
        return call(lambda _: self.heads.get(key))

    def read_records(self, key: str, ids: Sequence[str]) -> Plan[dict[str, str]]:
        """See `Database`."""

        def read(_: Any) -> dict[str, str]:
            with self._lock:
                held = self.records.get(key, {})
                return {name: held[name] for name in ids if name in held}

        return call(read)

    def commit(
        self,
        key: str,
        expected: str | None,
        head: str,
        puts: Mapping[str, str],
        deletes: Sequence[str],
        lifetime: float | None = None,  # noqa: ARG002 - nothing goes by itself
    ) -> Plan[str | None]:
        """See `Database`; what is above the limits is an error."""

        def write(_: Any) -> str | None:
            self._check(puts, deletes)
            with self._lock:
                present = self.heads.get(key)
                gone = [n for n in deletes if n not in self.records.get(key, {})]
                if gone or (present and present[1]) != expected:
                    return None
                version = uuid.uuid4().hex
                self.heads[key] = (head, version)
                held = self.records.setdefault(key, {})
                held.update(puts)
                for name in deletes:
                    del held[name]
                return version

        return call(write)

    def delete_head(self, key: str, expected: str) -> Plan[None]:
        """See `Database`."""

        def delete(_: Any) -> None:
            with self._lock:
                if self.heads.get(key, ("", ""))[1] == expected:
                    del self.heads[key]

        return call(delete)

    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[None]:
        """See `Database`; one record after the other."""
        for name, body in puts.items():
            self._check({name: body}, ())
            yield from call(partial(self._put, key, name, body))

    def discard(self, key: str, ids: Sequence[str]) -> Plan[None]:
        """See `Database`."""

        def delete(_: Any) -> None:
            with self._lock:
                for name in ids:
                    self.records.get(key, {}).pop(name, None)

        return call(delete)

    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[tuple[list[tuple[str, str]], Any | None]]:
        """See `Database`; the cursor is the last key."""

        def scan(_: Any) -> tuple[list[tuple[str, str]], Any | None]:
            with self._lock:
                keys = sorted(k for k in self.heads if cursor is None or k > cursor)[:limit]
                found = [(k, self.heads[k][0]) for k in keys if k.startswith(prefix)]
                return found, keys[-1] if len(keys) == limit else None

        return call(scan)

    def sleep(self, seconds: float) -> Plan[None]:
        """See `Database`."""
        return call(lambda client: client(seconds))

    def _put(self, key: str, name: str, body: str, _: Any) -> None:
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


class MemoryChatStore(RecordsChatStore):
    """A store on a `MemoryDatabase`; its client is the function that sleeps."""

    def __init__(
        self,
        database: MemoryDatabase,
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a database, which stores share."""
        super().__init__(database, ttl=ttl, clock=clock)

    def _execute(self, plan: Plan[T]) -> T:
        return run(plan, time.sleep)

    async def _async_execute(self, plan: Plan[T]) -> T:
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        return await async_run(plan, asyncio.sleep)

    def _translate(self, error: Exception) -> ChatStoreError | None:  # noqa: ARG002 - no driver
        return None

    def _close(self) -> None:
        """Nothing is open."""

    async def _async_close(self) -> None:
        """Nothing is open."""
