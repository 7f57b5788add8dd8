"""The modes in which the contract's tests call stores: sync, async, and both alternately."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chatstore.core import ChatStore

Call = Callable[["Caller"], Any]
Step = tuple[ChatStore, str, tuple[Any, ...]]
Steps = Iterable[Step]
END = object()
_ENDLESS = 5_000  # items, more than any test stores
PATIENCE = 60.0
"""Seconds for which tests wait at most."""


def poll(is_true: Callable[[], bool], complaint: str, pause: Callable[[], Any]) -> None:
    """Wait until something is true.

    Raises:
        AssertionError: It was not for `PATIENCE` seconds.

    """
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, complaint
        pause()


class SyncCaller:
    """Calls a store's plain methods; workers are threads."""

    name = "sync"

    def __call__(self, store: ChatStore, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call one method."""
        return getattr(store, name)(*args, **kwargs)

    def iterate(self, store: ChatStore, name: str, *args: Any, **kwargs: Any) -> Callable[[], Any]:
        """Return a function that returns the next item, and `END` after the last."""
        iterator = getattr(store, name)(*args, **kwargs)
        return lambda: next(iterator, END)

    def together(self, workers: list[Steps]) -> list[list[Any]]:
        """Let every worker make its calls, all at once; return their results."""
        barrier = threading.Barrier(len(workers))

        def work(steps: Steps) -> list[Any]:
            barrier.wait(30)
            return [self(store, name, *args) for store, name, args in steps]

        with ThreadPoolExecutor(len(workers)) as pool:
            return list(pool.map(work, workers))

    def wait_until(self, is_true: Callable[[], bool], complaint: str) -> None:
        """Wait until something is true."""
        poll(is_true, complaint, lambda: time.sleep(0.01))

    def close(self) -> None:
        """Nothing is open."""


class AsyncCaller:
    """Calls a store's ``async_`` methods on one event loop; workers are tasks."""

    name = "async"

    def __init__(self) -> None:
        """Make the loop."""
        self.loop = asyncio.new_event_loop()

    def __call__(self, store: ChatStore, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call one method."""
        return self.loop.run_until_complete(getattr(store, f"async_{name}")(*args, **kwargs))

    def iterate(self, store: ChatStore, name: str, *args: Any, **kwargs: Any) -> Callable[[], Any]:
        """Return a function that returns the next item, and `END` after the last."""
        iterator = getattr(store, f"async_{name}")(*args, **kwargs)

        async def step() -> Any:
            try:
                return await iterator.__anext__()
            except StopAsyncIteration:
                return END

        return lambda: self.loop.run_until_complete(step())

    def together(self, workers: list[Steps]) -> list[list[Any]]:
        """Let every worker make its calls, all at once; return their results."""

        async def work_all() -> list[list[Any]]:
            return list(await asyncio.gather(*map(self._work, workers)))

        return self.loop.run_until_complete(work_all())

    async def _work(self, steps: Steps) -> list[Any]:
        return [await getattr(store, f"async_{name}")(*args) for store, name, args in steps]

    def end(self) -> None:
        """End as a program does, but keep the loop."""
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())

    def wait_until(self, is_true: Callable[[], bool], complaint: str) -> None:
        """Wait until something is true, while the loop runs."""
        poll(is_true, complaint, lambda: self.loop.run_until_complete(asyncio.sleep(0.01)))

    def close(self) -> None:
        """Close the loop."""
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class MixedCaller(AsyncCaller):
    """Calls plain and ``async_`` methods alternately; workers are threads and tasks."""

    name = "mixed"

    def __init__(self) -> None:
        """Begin with a plain call."""
        super().__init__()
        self._plain = SyncCaller()
        self._is_plain_next = True

    def __call__(self, store: ChatStore, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call one method."""
        if self._takes_plain():
            return self._plain(store, name, *args, **kwargs)
        return super().__call__(store, name, *args, **kwargs)

    def iterate(self, store: ChatStore, name: str, *args: Any, **kwargs: Any) -> Callable[[], Any]:
        """Return a function that returns the next item, and `END` after the last."""
        if self._takes_plain():
            return self._plain.iterate(store, name, *args, **kwargs)
        return super().iterate(store, name, *args, **kwargs)

    def together(self, workers: list[Steps]) -> list[list[Any]]:
        """Let every second worker make its calls in a thread; return the results of all."""

        def work_plain(steps: Steps) -> list[Any]:
            return [self._plain(store, name, *args) for store, name, args in steps]

        async def work_all() -> list[list[Any]]:
            works = [
                asyncio.to_thread(work_plain, steps) if number % 2 else self._work(steps)
                for number, steps in enumerate(workers)
            ]
            return list(await asyncio.gather(*works))

        return self.loop.run_until_complete(work_all())

    def _takes_plain(self) -> bool:
        plain, self._is_plain_next = self._is_plain_next, not self._is_plain_next
        return plain


Caller = SyncCaller | AsyncCaller


def drain(step: Callable[[], Any]) -> list[Any]:
    """Return all items that an iterator still has, and notice one that never ends."""
    items = list(itertools.islice(iter(step, END), _ENDLESS))
    assert len(items) < _ENDLESS, "the iterator does not end"
    return items
