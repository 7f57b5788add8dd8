"""A backend that uses the small server and keeps the healing contract."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from tcp_connections import AsyncConnection, Connection
from tcp_server import ReadOnlyError, Request

from chatstore.core import StoreUnavailableError
from chatstore.core.backend import (
    Append,
    AsyncPool,
    Backend,
    ClientPerLoop,
    Create,
    Delete,
    Existing,
    Health,
    Insert,
    KeyPage,
    MaybeAwaitable,
    Newest,
    Oldest,
    OwnedPage,
    Page,
    Plan,
    Pool,
    PoolTimeoutError,
    Put,
    Remove,
    Replace,
    Retryable,
    RetryPolicy,
    StoredConversation,
    StoredRecord,
    Truncate,
    Update,
    async_run,
    call,
    is_timeout,
    retry,
    run,
)
from chatstore.core.errors import ChatStoreError

T = TypeVar("T")
ATTEMPTS = 8
PAUSE = 0.05  # seconds between attempts
CONNECTIONS = 32


class Client(Protocol):
    """The methods that the backend's plans call."""

    def ask(self, request: Request) -> MaybeAwaitable[Any]:
        """Send a request once and return the reply."""
        ...

    def sleep(self, seconds: float) -> MaybeAwaitable[None]:
        """Wait."""
        ...


class SyncClient:
    """Sends requests from threads."""

    def __init__(self, pool: Pool[Connection]) -> None:
        self._pool = pool

    def ask(self, request: Request) -> Any:
        with self._pool.session() as connection:
            return connection.ask(request)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class AsyncClient:
    """Sends requests from the tasks of one event loop."""

    def __init__(self, pool: AsyncPool[AsyncConnection]) -> None:
        self._pool = pool

    async def ask(self, request: Request) -> Any:
        async with self._pool.session() as connection:
            return await connection.ask(request)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        await self._pool.close()


class TcpBackend(Backend[Client]):
    """Keeps conversations on the small server; repeats requests without an answer."""

    reuses_all = False
    reuses_cancelled = False
    attempts = ATTEMPTS

    def __init__(self, port: int, *, timeout: float = 5.0) -> None:
        self.port = port
        self.timeout = timeout
        self.pool = Pool(lambda: Connection(self), CONNECTIONS, timeout)
        self.async_clients = ClientPerLoop(self._async_client, AsyncClient.close)

    def _async_client(self) -> AsyncClient:
        return AsyncClient(AsyncPool(lambda: AsyncConnection.open(self), CONNECTIONS, self.timeout))

    # ------------------------------------------------------------------ running plans

    def run(self, plan: Plan[Client, T]) -> T:
        return run(plan, SyncClient(self.pool))

    async def async_run(self, plan: Plan[Client, T]) -> T:
        return await async_run(plan, await self.async_clients.get())

    def translate(self, error: Exception) -> ChatStoreError | None:
        if isinstance(error, PoolTimeoutError):
            return StoreUnavailableError("all connections are in use")
        if isinstance(error, (OSError, ReadOnlyError)):
            return StoreUnavailableError(f"{self.server}: {type(error).__name__}")
        return None

    def close(self) -> None:
        self.pool.close()
        self.async_clients.close()

    async def async_close(self) -> None:
        self.pool.close()
        await self.async_clients.async_close()

    # ------------------------------------------------------------------ requests

    def health_after(self, error: Exception) -> Health:
        """Return what an error says about the connection on which it occurred."""
        return Health.OUTDATED

    def request(self, name: str, *args: Any) -> Plan[Client, Any]:
        """Send a request until it is answered; the server executes it once."""
        request = Request(secrets.token_hex(8), name, args)
        timeouts = 0

        def judge(error: Exception, attempt: int) -> Retryable | None:
            nonlocal timeouts
            if isinstance(error, ReadOnlyError):
                return Retryable("it is read-only", pause=0) if self.leaves_read_only() else None
            timeouts += is_timeout(error)
            if timeouts > 1 or not isinstance(error, OSError):
                return None
            return Retryable(type(error).__name__, pause=PAUSE if attempt > 1 else 0)

        return retry(
            lambda: self.attempt(request),
            judge,
            policy=RetryPolicy(patience=10 * self.timeout, attempts=self.attempts),
            sleep=lambda seconds: call(lambda client: client.sleep(seconds)),
            server=self.server,
        )

    def attempt(self, request: Request) -> Plan[Client, Any]:
        """Send a request once."""
        asking: Plan[Client, Any] = call(lambda client: client.ask(request))
        reply = yield from asking
        if isinstance(reply, Exception):
            raise reply
        return reply

    def leaves_read_only(self) -> bool:
        """Return whether to repeat a request on another connection if a server refuses writes."""
        return True

    # ------------------------------------------------------------------ operations

    def append(self, key: str, write: Append) -> Plan[Client, list[Existing]]:
        return self.request("append", key, write)

    def insert(self, key: str, write: Insert) -> Plan[Client, list[Existing]]:
        return self.request("insert", key, write)

    def replace(self, key: str, write: Replace) -> Plan[Client, None]:
        return self.request("replace", key, write)

    def delete(self, key: str, write: Delete) -> Plan[Client, None]:
        return self.request("delete", key, write)

    def remove(self, key: str, write: Remove) -> Plan[Client, StoredRecord | None]:
        return self.request("remove", key, write.target, write.expected_revision)

    def count(self, key: str) -> Plan[Client, int]:
        return self.request("count", key)

    def read_newest(self, key: str, read: Newest) -> Plan[Client, Page]:
        return self.request("read_newest", key, read)

    def read_oldest(self, key: str, read: Oldest) -> Plan[Client, Page]:
        return self.request("read_oldest", key, read)

    def put(self, key: str, write: Put) -> Plan[Client, None]:
        return self.request("put", key, write)

    def truncate(self, key: str, write: Truncate) -> Plan[Client, int]:
        return self.request("truncate", key, write)

    def create(self, key: str, write: Create) -> Plan[Client, StoredConversation | None]:
        return self.request("create", key, write)

    def update(self, key: str, write: Update) -> Plan[Client, StoredConversation | None]:
        return self.request("update", key, write)

    def find(self, key: str, message_id: str) -> Plan[Client, Page]:
        return self.request("find_record", key, message_id)

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[Client, Sequence[StoredConversation | None]]:
        return self.request("read_conversations", keys)

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[Client, OwnedPage]:
        return self.request("list_owned", owner, limit, cursor)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[Client, KeyPage]:
        return self.request("list_keys", prefix, limit, cursor)
