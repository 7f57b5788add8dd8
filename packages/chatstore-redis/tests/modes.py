"""Call a store by name, in either mode."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar, Union

from chatstore.redis import RedisChatStore

Step: TypeAlias = tuple[RedisChatStore, str, tuple[Any, ...]]

T = TypeVar("T")


class SyncCaller:
    """Calls the sync methods."""

    name = "sync"

    def __call__(self, store: RedisChatStore, method: str, *arguments: Any, **options: Any) -> Any:
        return getattr(store, method)(*arguments, **options)

    def together(self, calls: list[Step]) -> list[Any]:
        """Make calls at once; return results and errors."""
        with ThreadPoolExecutor(len(calls)) as pool:
            futures = [pool.submit(self, store, name, *args) for store, name, args in calls]
            return [future.exception() or future.result() for future in futures]

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine."""
        return asyncio.run(coroutine)

    def sleep(self, seconds: float) -> None:
        """Wait, while connections can be closed."""
        time.sleep(seconds)

    def close(self, store: RedisChatStore | None) -> None:
        """Close a store, if there is one."""
        if store is not None:
            store.close()


class AsyncCaller:
    """Calls the async methods, on one event loop."""

    name = "async"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop."""
        return self._loop.run_until_complete(coroutine)

    def __call__(self, store: RedisChatStore, method: str, *arguments: Any, **options: Any) -> Any:
        return self._loop.run_until_complete(
            getattr(store, f"async_{method}")(*arguments, **options)
        )

    def together(self, calls: list[Step]) -> list[Any]:
        """Make calls at once; return results and errors."""

        async def gathered() -> list[Any]:
            awaited = [getattr(store, f"async_{name}")(*args) for store, name, args in calls]
            return await asyncio.gather(*awaited, return_exceptions=True)

        return self._loop.run_until_complete(gathered())

    def sleep(self, seconds: float) -> None:
        self._loop.run_until_complete(asyncio.sleep(seconds))

    def close(self, store: RedisChatStore | None) -> None:
        """Close a store on the loop, if there is one, and the loop."""
        if store is not None:
            self._loop.run_until_complete(store.async_close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


Caller: TypeAlias = Union[SyncCaller, AsyncCaller]  # noqa: UP007 - evaluated on Python 3.10
