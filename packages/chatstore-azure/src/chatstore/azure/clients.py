"""Clients of azure-data-tables, made when needed: one for all threads, one for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import Self

from chatstore.azure.access import Access

if TYPE_CHECKING:
    import asyncio

_all: weakref.WeakSet[Clients] = weakref.WeakSet()
_inherited: list[object] = []  # a forked child must not use, nor end, its parent's connections
_RETRIES = 2


class _OnLoop(NamedTuple):
    client: Any
    keeper: AsyncGenerator[None, None]


class Clients:
    """Makes clients with timeouts and few retries, and closes them."""

    def __init__(self, access: Access, table: str, *, create_table: bool, timeout: float) -> None:
        """Note where and how; nothing is opened."""
        self._access = access
        self._table = table
        self._timeout = timeout
        self._is_there = not create_table
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None
        self._on_loops: dict[asyncio.AbstractEventLoop, _OnLoop] = {}

    def forget(self) -> None:
        """Begin anew in a forked child."""
        _inherited.append((self._client, self._on_loops))
        self._begin()

    def for_threads(self) -> Any:
        """Return the table's client that all threads share; the first call makes the table."""
        with self._lock:
            if self._client is None:
                from azure.data.tables import TableClient  # noqa: PLC0415 - on the first call

                credential = self._access.credential()
                self._client = TableClient(
                    self._access.endpoint, self._table, credential=credential, **self._options()
                )
            if not self._is_there:
                from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

                try:
                    self._client.create_table()
                except ResourceExistsError as error:
                    _check_exists(error)
                self._is_there = True
            return self._client

    async def for_loop(self) -> Any:
        """Return the table's client of the running event loop; the first call makes the table."""
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        loop = asyncio.get_running_loop()
        on_loop = self._on_loops.get(loop)
        if on_loop is None:
            from azure.data.tables.aio import TableClient  # noqa: PLC0415 - on the first call

            client = TableClient(
                self._access.endpoint,
                self._table,
                credential=self._async_credential(),
                **self._options(),
            )
            on_loop = _OnLoop(client, _keep(client))
            with self._lock:
                for ended in [known for known in self._on_loops if known.is_closed()]:
                    del self._on_loops[ended]
                self._on_loops[loop] = on_loop
            await on_loop.keeper.__anext__()
        if not self._is_there:
            from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

            try:
                await on_loop.client.create_table()
            except ResourceExistsError as error:
                _check_exists(error)
            self._is_there = True
        return on_loop.client

    def close(self) -> None:
        """Close the threads' client; those of event loops are closed on their loops."""
        with self._lock:
            client, self._client = self._client, None
            on_loops = dict(self._on_loops)
        if client is not None:
            client.close()
        for loop, on_loop in on_loops.items():
            # A loop that does not run now closes what is left when it ends.
            if loop.is_running():
                import asyncio  # noqa: PLC0415 - loaded, if there is a loop

                asyncio.run_coroutine_threadsafe(on_loop.client.close(), loop)

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed at the return."""
        import asyncio  # noqa: PLC0415 - loaded, if there is a loop

        on_loop = self._on_loops.pop(asyncio.get_running_loop(), None)
        self.close()
        if on_loop is not None:
            await on_loop.keeper.aclose()

    def _async_credential(self) -> Any:
        credential = self._access.credential()
        return _Awaitable(credential) if self._access.kind == "credential" else credential

    def _options(self) -> dict[str, Any]:
        # A write that the client sends again after a lost answer fails on its condition; what
        # became of the first one is for the store to find out.
        return {
            "retry_total": _RETRIES,
            "retry_backoff_factor": 0.1,
            "retry_backoff_max": self._timeout,
            "timeout": self._timeout * (1 + _RETRIES),
            "connection_timeout": self._timeout,
            "read_timeout": self._timeout,
        }


class _Awaitable:
    """A credential whose tokens are fetched on a thread, for the async client."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        """Return a token."""
        import asyncio  # noqa: PLC0415 - loaded, if there is a loop

        return await asyncio.to_thread(self._credential.get_token, *scopes, **options)

    async def close(self) -> None:
        """Leave the credential open: it is the caller's."""

    async def __aenter__(self) -> Self:
        """Return the credential."""
        return self

    async def __aexit__(self, *args: object) -> None:
        """Leave the credential open."""


async def _keep(client: Any) -> AsyncGenerator[None, None]:
    """Hold a client that is closed with this generator.

    An event loop ends the generators that were begun on it, by ``loop.shutdown_asyncgens()``:
    `asyncio.run` calls it. So connections are closed while their loop still can.
    """
    try:
        yield
    finally:
        await client.close()


def _check_exists(error: Exception) -> None:
    """Raise the error again unless it says that the table is there."""
    code = getattr(error, "error_code", "")
    if getattr(code, "value", code) not in {"TableAlreadyExists", "EntityAlreadyExists"}:
        raise error


def _forget_all() -> None:
    for clients in _all:
        clients.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
