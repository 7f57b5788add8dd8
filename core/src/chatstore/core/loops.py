"""Async clients belong to the event loop they were made on: one for each, closed there."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from chatstore.core.forks import ForkAware, keep_inherited, watch

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class _Held(NamedTuple):
    client: Any
    keeper: AsyncGenerator[None, None]


class PerLoop(ForkAware, Generic[T]):
    """Makes a client for each event loop that asks, and closes it while the loop still can.

    An event loop ends the async generators that were begun on it before it is closed
    (``loop.shutdown_asyncgens()``; `asyncio.run` calls it): each client hangs on one.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[object]]) -> None:
        """Take what makes a client, without waiting, and what closes one."""
        self._make = make
        self._close = close
        self._begin()
        watch(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[asyncio.AbstractEventLoop, _Held] = {}

    async def get(self) -> T:
        """Return the client of the running loop."""
        import asyncio  # noqa: PLC0415 - a sync program never loads it

        loop = asyncio.get_running_loop()
        held = self._held.get(loop)
        if held is None:
            client = self._make()
            held = _Held(client, self._keep(loop, client))
            await held.keeper.__anext__()  # comes back at once: no other task gets in between
            with self._lock:
                for ended in [known for known in self._held if known.is_closed()]:
                    del self._held[ended]
                self._held[loop] = held
        client_of_loop: T = held.client
        return client_of_loop

    async def _keep(self, loop: asyncio.AbstractEventLoop, client: T) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._held.pop(loop, None)
            await self._close(client)

    def close(self) -> None:
        """Have running loops close their clients; those that stand still do it when they end."""
        with self._lock:
            held = dict(self._held)
        for loop, (_, keeper) in held.items():
            if loop.is_running():
                import asyncio  # noqa: PLC0415 - loaded, where there is a loop

                asyncio.run_coroutine_threadsafe(_closed(keeper), loop)

    async def async_close(self) -> None:
        """Close the client of the running loop, and have the others closed."""
        import asyncio  # noqa: PLC0415 - loaded, where there is a loop

        held = self._held.get(asyncio.get_running_loop())
        if held is not None:
            await held.keeper.aclose()
        self.close()

    def after_fork_in_child(self) -> None:
        """Start without clients: their connections are the parent's."""
        keep_inherited(self._held)
        self._begin()


async def _closed(keeper: AsyncGenerator[None, None]) -> None:
    await keeper.aclose()
