"""``Clients``: one client for all threads, and one for each event loop, made when needed."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from chatstore.azure_core.sdk_modules import import_sdk
from chatstore.core import InvalidArgumentError
from chatstore.core.backend import (
    ClientPerLoop,
    ForkAware,
    MaybeAwaitable,
    keep_inherited,
    watch,
)

C = TypeVar("C")
T = TypeVar("T")


class Clients(ForkAware, ABC, Generic[C]):
    """Makes the clients that run a store's plans, and closes them.

    A subclass says how. Clients that the caller passed to the store stay open.
    """

    def __init__(self) -> None:
        """Start without clients."""
        self._on_loops = ClientPerLoop(self.make_async, self.async_close_client)
        self._reset()
        watch(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._client: C | None = None

    @abstractmethod
    def make(self) -> C:
        """Make a sync client."""

    @abstractmethod
    def make_async(self) -> C:
        """Make an async client on the running event loop, without waiting."""

    @abstractmethod
    def close_client(self, client: C) -> None:
        """Close a sync client, unless it is the caller's."""

    @abstractmethod
    async def async_close_client(self, client: C) -> None:
        """Close an async client, unless it is the caller's."""

    def get(self) -> C:
        """Return the client that all threads share."""
        client = self._client
        if client is None:
            with self._lock:
                if self._client is None:
                    self._client = self.make()
                client = self._client
        return client

    async def async_get(self) -> C:
        """Return the client of the running event loop."""
        return await self._on_loops.get()

    def close(self) -> None:
        """Close the threads' client; event loops close their own."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            self.close_client(client)
        self._on_loops.close()

    async def async_close(self) -> None:
        """Like `close`; the client of the running event loop is closed when this returns."""
        await self._on_loops.async_close()
        self.close()

    def after_fork_in_child(self) -> None:
        """Start without a client: its connections are the parent's."""
        keep_inherited(self._client)
        self._reset()


def is_async_client(client: object) -> bool:
    """Return whether a client of an SDK is an async one."""
    return hasattr(type(client), "__aenter__")


def check_client(
    client: object, name: str, *, is_async: bool, kind: str, module: str, method: str
) -> Any:
    """Return a client that the caller passed, or ``None``.

    Args:
        client: The client.
        name: The option's name, for messages.
        is_async: Whether it must be an async client.
        kind: The name of its class, for messages.
        module: The module of the sync class; the async class is in its submodule ``aio``.
        method: A method that such clients have.

    Raises:
        InvalidArgumentError: `client` is something else, or a client of the other mode.

    """
    if client is None:
        return None
    home = f"{module}.aio" if is_async else module
    if not callable(getattr(client, method, None)) or isinstance(client, type):
        raise InvalidArgumentError(
            f"{name} must be a {kind} of {home}, not {type(client).__name__}"
        )
    if is_async_client(client) != is_async:
        other = "a sync one" if is_async else "an async one"
        raise InvalidArgumentError(f"{name} must be the {kind} of {home}, not {other}")
    return client


def check_account(account: T | None, *, is_async: bool) -> T:
    """Return the account, or the credential, for which a client is made.

    Raises:
        InvalidArgumentError: `account` is ``None``: the store has only a client of the other mode.

    """
    if account is None:
        option = "async_client" if is_async else "client"
        raise InvalidArgumentError(f"this call needs {option}=, which the store was not given")
    return account


def make_transport(server: str, *, timeout: float, max_connections: int, is_async: bool) -> Any:
    """Return a ``HealingTransport``; an async one needs a running event loop.

    Args:
        server: The server, for logs.
        timeout: Seconds to wait for a connection, and for an answer.
        max_connections: The most connections; a request waits if all of them are in use.
        is_async: Whether it is for an async client.

    """
    name = "async_transport" if is_async else "transport"
    transport = import_sdk(f"chatstore.azure_core.{name}").HealingTransport
    return transport(server, timeout=timeout, max_connections=max_connections)


def wait(client: object, seconds: float) -> MaybeAwaitable[None]:
    """Wait, in the mode of a client."""
    if is_async_client(client):
        import asyncio  # it is loaded if there is a loop

        return asyncio.sleep(seconds)
    time.sleep(seconds)
    return None
