"""``Clients``: one client for all threads, and one for each event loop."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Protocol

from chatstore.core.backend import ClientPerLoop, ForkAware, keep_inherited, watch
from chatstore.redis_scripts.client import ScriptClient


class OwnClient(ScriptClient, Protocol):
    """A client that the store opened and closes."""

    def close(self) -> None:
        """Close the connections."""
        ...


class OwnAsyncClient(ScriptClient, Protocol):
    """Like `OwnClient`, for an event loop."""

    def close(self) -> Awaitable[None]:
        """Close the connections."""
        ...


class Clients(ForkAware):
    """The clients of a store: the caller's, or clients that the first calls make.

    A forked child makes its own clients.
    """

    def __init__(
        self,
        make: Callable[[], OwnClient],
        make_async: Callable[[], OwnAsyncClient],
        *,
        client: ScriptClient | None = None,
        async_client: ScriptClient | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            make: Makes the client of all threads; called only if ``client`` is ``None``.
            make_async: Makes the client of an event loop; called only if ``async_client`` is
                ``None``.
            client: The caller's client, which is never closed.
            async_client: The caller's client for its event loop, which is never closed.

        """
        self._make = make
        self._client_of_caller = client
        self._async_client_of_caller = async_client
        self._per_loop: ClientPerLoop[OwnAsyncClient] = ClientPerLoop(
            make_async, lambda own: own.close()
        )
        self._reset()
        watch(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._own: OwnClient | None = None
        self._client = self._client_of_caller

    def for_threads(self) -> ScriptClient:
        """Return the client that all threads share."""
        return self._client or self._make_own()

    async def for_loop(self) -> ScriptClient:
        """Return the client of the running event loop."""
        return self._async_client_of_caller or await self._per_loop.get()

    def close(self) -> None:
        """Close the threads' client; clients of event loops are closed on their loops."""
        with self._lock:
            own, self._own = self._own, None
            self._client = self._client_of_caller
        if own is not None:
            own.close()
        self._per_loop.close()

    async def async_close(self) -> None:
        """Like `close`, and wait until the client of the running event loop is closed."""
        await self._per_loop.async_close()
        self.close()

    def after_fork_in_child(self) -> None:
        """Start without a client: its connections are the parent's."""
        keep_inherited(self._own)
        self._reset()

    def _make_own(self) -> ScriptClient:
        with self._lock:
            if self._own is None:
                self._client = self._own = self._make()
            return self._own
