"""``ClientPerLoop``: async clients belong to the event loop on which they were made."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from chatstore.core.backend.forks import ForkAware, keep_inherited, watch

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class _Entry(NamedTuple):
    client: Any
    closer: AsyncGenerator[None, None]


class ClientPerLoop(ForkAware, Generic[T]):
    """Makes a client for each event loop that asks, and closes it before the loop closes.

    An event loop ends the async generators that were started on it before it is closed
    (``loop.shutdown_asyncgens()``, which `asyncio.run` calls). For each client such a generator
    waits, and closes the client when it ends.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[object]]) -> None:
        """Start without clients.

        Args:
            make: Makes a client; it must not wait.
            close: Closes a client.

        """
        self._make = make
        self._close = close
        self._reset()
        watch(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[asyncio.AbstractEventLoop, _Entry] = {}

    async def get(self) -> T:
        """Return the client of the running loop."""
        import asyncio  # a sync program never loads it

        loop = asyncio.get_running_loop()
        entry = self._entries.get(loop)
        if entry is None:
            client = self._make()
            entry = _Entry(client, self._closing(loop, client))
            await entry.closer.__anext__()  # returns at once, so no other task runs in between
            with self._lock:
                for closed in [known for known in self._entries if known.is_closed()]:
                    del self._entries[closed]
                self._entries[loop] = entry
        client_of_loop: T = entry.client
        return client_of_loop

    async def _closing(
        self, loop: asyncio.AbstractEventLoop, client: T
    ) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._entries.pop(loop, None)
            await self._close(client)

    def close(self) -> None:
        """Schedule closing on running loops; clients of idle loops close when their loop does."""
        with self._lock:
            entries = dict(self._entries)
        for loop, (_, closer) in entries.items():
            if loop.is_running():
                import asyncio  # it is loaded if there is a loop

                asyncio.run_coroutine_threadsafe(_close(closer), loop)

    async def async_close(self) -> None:
        """Close the client of the running loop, and the others as `close` does."""
        import asyncio  # it is loaded if there is a loop

        entry = self._entries.get(asyncio.get_running_loop())
        if entry is not None:
            await entry.closer.aclose()
        self.close()

    def after_fork_in_child(self) -> None:
        """Start without clients: their connections are the parent's."""
        keep_inherited(self._entries)
        self._reset()


async def _close(closer: AsyncGenerator[None, None]) -> None:
    await closer.aclose()
