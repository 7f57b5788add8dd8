"""The modes in which the contract's tests call stores: sync, async, and both alternately."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from chatstore.core import ChatStore

Step = (
    tuple[ChatStore, str, tuple[Any, ...]] | tuple[ChatStore, str, tuple[Any, ...], dict[str, Any]]
)
Steps = Iterable[Step]
END = object()
_ENDLESS = 5_000  # items, more than any test stores
PATIENCE = 60.0
"""Seconds for which tests wait at most."""
POLLS = 6000
"""How often tests look at most for what they wait for, each hundredth of a second.

Counts do not grow while the machine stalls.
"""
_POLL_SECONDS = 0.01


def _parts(step: Step) -> tuple[ChatStore, str, tuple[Any, ...], dict[str, Any]]:
    """Return a step with its keyword arguments, which it may leave out."""
    return step if len(step) == 4 else (*step, {})


def poll(is_true: Callable[[], bool], complaint: str, pause: Callable[[], Any]) -> None:
    """Call ``is_true`` until it returns true; call ``pause`` in between.

    Raises:
        AssertionError: ``is_true`` returned false `POLLS` times.

    """
    for _ in range(POLLS):
        if is_true():
            return
        pause()
    raise AssertionError(complaint)


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
        """Let all workers make their calls at the same time; return the results of each."""
        barrier = threading.Barrier(len(workers))

        def work(steps: Steps) -> list[Any]:
            barrier.wait(PATIENCE)
            return [
                self(store, name, *args, **kwargs)
                for store, name, args, kwargs in map(_parts, steps)
            ]

        with ThreadPoolExecutor(len(workers)) as pool:
            return list(pool.map(work, workers))

    def wait_until(self, is_true: Callable[[], bool], complaint: str) -> None:
        """Wait until a condition is true."""
        poll(is_true, complaint, lambda: time.sleep(_POLL_SECONDS))

    def close(self) -> None:
        """Do nothing: this mode opens nothing."""


class AsyncCaller:
    """Calls a store's ``async_`` methods on one event loop; workers are tasks."""

    name = "async"

    def __init__(self) -> None:
        """Create the loop."""
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
        """Let all workers make their calls at the same time; return the results of each."""

        async def work_all() -> list[list[Any]]:
            return list(await asyncio.gather(*map(self._work, workers)))

        return self.loop.run_until_complete(work_all())

    async def _work(self, steps: Steps) -> list[Any]:
        return [
            await getattr(store, f"async_{name}")(*args, **kwargs)
            for store, name, args, kwargs in map(_parts, steps)
        ]

    def end(self) -> None:
        """Shut down async generators as the end of a program does, but keep the loop."""
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())

    def wait_until(self, is_true: Callable[[], bool], complaint: str) -> None:
        """Wait until a condition is true, while the loop runs."""
        pause = partial(asyncio.sleep, _POLL_SECONDS)
        poll(is_true, complaint, lambda: self.loop.run_until_complete(pause()))

    def close(self) -> None:
        """Close the loop."""
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class MixedCaller(AsyncCaller):
    """Calls plain and ``async_`` methods alternately; workers are threads and tasks."""

    name = "mixed"

    def __init__(self) -> None:
        """Start with a plain call."""
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
        """Run every second worker in a thread and the rest as tasks; return the results of each."""

        def work_plain(steps: Steps) -> list[Any]:
            return [
                self._plain(store, name, *args, **kwargs)
                for store, name, args, kwargs in map(_parts, steps)
            ]

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
    """Return the remaining items of an iterator; fail if it does not end."""
    items = list(itertools.islice(iter(step, END), _ENDLESS))
    assert len(items) < _ENDLESS, "the iterator does not end"
    return items
