"""``ScriptBackend``: a backend over scripts, one script and one round trip for each operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chatstore.core import ChatStoreError
from chatstore.core.backend import (
    Append,
    Backend,
    Existing,
    Insert,
    KeyPage,
    Page,
    Plan,
    Record,
    Remove,
    Replace,
    StoredRecord,
    async_run,
    check_ttl,
    run,
)
from chatstore.redis_scripts import scripts
from chatstore.redis_scripts.client import ScriptClient
from chatstore.redis_scripts.clients import Clients
from chatstore.redis_scripts.layout import (
    check_namespace,
    conversation_keys,
    heads_pattern,
    key_of_head,
    new_request_id,
    staged_key,
    unseal,
)
from chatstore.redis_scripts.reading import Limits, Reader
from chatstore.redis_scripts.request_clock import RequestClock, stopwatch, too_old
from chatstore.redis_scripts.scripts import Script
from chatstore.redis_scripts.sending import Sender
from chatstore.redis_scripts.staging import chunks, flatten, request_bytes

T = TypeVar("T")
M = TypeVar("M")
_MAX_TTL = 1e12  # seconds; Redis does not accept later deadlines
_FRAME_BYTES = 8192  # of a request, for everything but the records
_CLOCK_ATTEMPTS = 3
_MIN_SCAN = 10  # keys; shorter steps cost more requests than they save


class ScriptBackend(Backend[ScriptClient]):
    """Keeps conversations in Redis.

    Attributes:
        clients: The clients of sync and async calls.
        limits: The sizes of requests and replies.
        clock: The time of requests, by the server's clock.

    """

    def __init__(
        self,
        clients: Clients,
        sender: Sender,
        *,
        namespace: str = "chatstore",
        ttl: float | None = None,
        limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
    ) -> None:
        """Use clients; nothing is sent before the first call.

        Args:
            clients: The clients of sync and async calls.
            sender: Retries commands where that is safe, and translates errors.
            namespace: The beginning of all keys of this store in Redis.
            ttl: Seconds after its last write until a conversation expires; ``None``: it stays.
            limits: The sizes of requests and replies.

        Raises:
            InvalidArgumentError: ``namespace`` or ``ttl`` is not valid.

        """
        self.clients = clients
        self.limits = limits
        self.clock = RequestClock()
        self._sender = sender
        self._namespace = check_namespace(namespace)
        seconds = check_ttl(ttl)
        self._ttl = "" if seconds is None else str(max(1, round(min(seconds, _MAX_TTL) * 1000)))

    # ------------------------------------------------------------------ running plans

    def run(self, plan: Plan[ScriptClient, T]) -> T:
        """Run a plan with the client that all threads share."""
        return run(plan, self.clients.for_threads())

    async def async_run(self, plan: Plan[ScriptClient, T]) -> T:
        """Run a plan with the client of the running event loop."""
        return await async_run(plan, await self.clients.for_loop())

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return self._sender.translate(error)

    def close(self) -> None:
        """Close the clients that this store opened."""
        self.clients.close()

    async def async_close(self) -> None:
        """Like `close`, and wait until the client of the running event loop is closed."""
        await self.clients.async_close()

    # ------------------------------------------------------------------ writing

    def append(self, key: str, write: Append) -> Plan[ScriptClient, list[Existing]]:
        """See `Backend.append`."""
        return self._write(scripts.APPEND, key, [], write.records, _existing)

    def insert(self, key: str, write: Insert) -> Plan[ScriptClient, list[Existing]]:
        """See `Backend.insert`."""
        return self._write(scripts.INSERT, key, [str(write.index)], [write.record], _existing)

    def replace(self, key: str, write: Replace) -> Plan[ScriptClient, None]:
        """See `Backend.replace`."""
        return self._write(scripts.REPLACE, key, [], write.records, _nothing)

    def delete(self, key: str) -> Plan[ScriptClient, None]:
        """See `Backend.delete`."""
        return self._write(scripts.DELETE, key, [], [], _nothing)

    def remove(self, key: str, write: Remove) -> Plan[ScriptClient, StoredRecord | None]:
        """See `Backend.remove`; only a record whose checksum does not match is checked."""
        checked = ""
        while True:
            arguments = [str(write.index), checked]
            reply = yield from self._write(scripts.REMOVE, key, arguments, [], _unchanged)
            if not reply:
                return None
            outcome, position, stored = reply
            record = StoredRecord(int(position), unseal(stored))
            if outcome == "removed":
                return record
            write.check(record)
            checked = stored

    def _write(
        self,
        script: Script,
        key: str,
        arguments: list[str],
        records: Sequence[Record],
        read: Callable[[Any], T],
    ) -> Plan[ScriptClient, T]:
        """Run a writing script with a new request id; ``read`` parses its reply."""
        request_id = new_request_id()
        keys = conversation_keys(self._namespace, key)
        words = flatten(records)
        staged = 0
        limit = self.limits.max_request_bytes
        if limit is not None and request_bytes(words) > limit - _FRAME_BYTES:
            keys.append(staged_key(self._namespace, key, request_id))
            for chunk in chunks(words, limit - _FRAME_BYTES):
                staged += 1
                yield from self._sender.run(scripts.STAGE, keys[-1:], [str(staged), chunk])
            words = []
        age = stopwatch()
        for _ in range(_CLOCK_ATTEMPTS):
            header = f"{request_id} {self.clock.now()} {self._ttl} {staged}"
            reply = yield from self._sender.run(script, keys, [header, *arguments, *words])
            if not isinstance(reply, int):
                return read(reply)
            self.clock.correct(reply, age())
        raise too_old()

    # ------------------------------------------------------------------ reading

    def count(self, key: str) -> Plan[ScriptClient, int]:
        """See `Backend.count`."""
        keys = conversation_keys(self._namespace, key)
        return int((yield from self._sender.run(scripts.COUNT, keys[:3], [])))

    def read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[ScriptClient, Page]:
        """See `Backend.read_newest`."""
        return self._reader(key).newest(limit, before, leading)

    def read_oldest(
        self, key: str, limit: int, *, after: int | None = None
    ) -> Plan[ScriptClient, Page]:
        """See `Backend.read_oldest`."""
        return self._reader(key).oldest(limit, after)

    def read_all(
        self, key: str, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[ScriptClient, list[M]]:
        """See `Backend.read_all`; each page is decoded while the server reads the next."""
        return self._reader(key).decode_all(decode)

    def _reader(self, key: str) -> Reader:
        keys = conversation_keys(self._namespace, key)
        return Reader(self._sender, keys[:3], self.limits)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[ScriptClient, KeyPage]:
        """See `Backend.list_keys`."""
        # SCAN may list a key twice (https://redis.io/docs/latest/commands/scan/).
        position, listed = (None, set[str]()) if cursor is None else cursor
        pattern = heads_pattern(self._namespace, prefix)
        keys: list[str] = []
        while True:
            page = yield from self._sender.scan(position, pattern, max(limit, _MIN_SCAN))
            position = page.cursor
            for key in [key_of_head(self._namespace, name) for name in page.names]:
                if key is not None and key not in listed:
                    listed.add(key)
                    keys.append(key)
            if position is None:
                return KeyPage(keys, None)
            if len(keys) >= limit:
                return KeyPage(keys, (position, listed))


def _existing(reply: Sequence[str]) -> list[Existing]:
    return [Existing(id_, unseal(body)) for id_, body in zip(reply[::2], reply[1::2], strict=True)]


def _nothing(_: object) -> None:
    return None


def _unchanged(reply: Any) -> Any:
    return reply
