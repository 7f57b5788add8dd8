"""Clients of azure-data-tables, made when needed: one for all threads, one for each event loop."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

from typing_extensions import Self

from chatstore.azure.access import Access
from chatstore.core.loops import PerLoop

_all: weakref.WeakSet[Clients] = weakref.WeakSet()
_inherited: list[object] = []  # a forked child must not use, nor end, its parent's connections
_RETRIES = 2


class Clients:
    """Makes clients with timeouts and few retries, and closes them."""

    def __init__(self, access: Access, table: str, *, create_table: bool, timeout: float) -> None:
        """Note where and how; nothing is opened."""
        self._access = access
        self._table = table
        self._timeout = timeout
        self._is_there = not create_table
        self._on_loops = PerLoop(self._make_async, lambda client: client.close())
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._client: Any = None

    def forget(self) -> None:
        """Begin anew in a forked child."""
        _inherited.append(self._client)
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
        client = await self._on_loops.get()
        if not self._is_there:
            from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

            try:
                await client.create_table()
            except ResourceExistsError as error:
                _check_exists(error)
            self._is_there = True
        return client

    def close(self) -> None:
        """Close the threads' client; those of event loops are closed on their loops."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        self._on_loops.close()

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed at the return."""
        await self._on_loops.async_close()
        self.close()

    def _make_async(self) -> Any:
        from azure.data.tables.aio import TableClient  # noqa: PLC0415 - on the first call

        credential = self._async_credential()
        return TableClient(
            self._access.endpoint, self._table, credential=credential, **self._options()
        )

    def _async_credential(self) -> Any:
        credential = self._access.credential()
        return _Awaitable(credential) if self._access.kind == "credential" else credential

    def _options(self) -> dict[str, Any]:
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
