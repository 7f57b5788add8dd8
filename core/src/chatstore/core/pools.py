"""Connections that are lent to one call at a time: to threads, or to the tasks of a loop.

For drivers whose own pools cost as much as a call. The connection that came back last is lent
first. Where one was found lost, those that are older are replaced, since a restart ends them all.
"""

from __future__ import annotations

import os
import time
import weakref
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio

S = TypeVar("S", bound="Session")
_all: weakref.WeakSet[Pool[Any]] = weakref.WeakSet()
_inherited: list[object] = []  # a forked child must neither use nor end its parent's connections


class PoolTimeoutError(TimeoutError):
    """All connections were lent for too long."""


class Session(Protocol):
    """What is lent: one connection of a driver.

    Attributes:
        made_at: When it was made, by `time.monotonic`.

    """

    made_at: float

    @property
    @abstractmethod
    def is_lost(self) -> bool:
        """Whether the connection is gone, by whichever side."""

    @property
    @abstractmethod
    def is_sound(self) -> bool:
        """Whether another call can go on with it: nothing is open, no answer is on its way."""

    def close(self) -> Any:
        """Close the connection; awaitable where the driver is."""


class _Shelf(Generic[S]):
    """The connections that are free."""

    def __init__(self) -> None:
        self.is_closed = False
        self._free: list[S] = []
        self._lost_at = 0.0

    def pop(self) -> S | None:
        """Return the one that came back last."""
        try:
            return self._free.pop()
        except IndexError:  # asking first would be another thread's chance
            return None

    def is_outdated(self, session: S) -> bool:
        """Whether it is older than one that was found lost."""
        return session.made_at <= self._lost_at

    def take_back(self, session: S) -> bool:
        """Keep a connection, unless it must be closed instead."""
        if session.is_lost:
            self._lost_at = time.monotonic()
        if self.is_closed or session.is_lost or not session.is_sound:
            return False
        self._free.append(session)
        return True


class Pool(Generic[S]):
    """Lends to threads; a forked child begins anew."""

    def __init__(self, make: Callable[[], S], size: int, timeout: float) -> None:
        """Note what makes connections, the most of them, and how many seconds to wait for one."""
        self._make = make
        self._size = size
        self._timeout = timeout
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        # One token for each connection that may be lent: cheaper than a semaphore of Python's.
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(self._size):
            self._places.put(None)
        self._shelf: _Shelf[S] = _Shelf()

    def lend(self) -> _Loan[S]:
        """Lend a connection to a ``with`` block.

        Raises:
            PoolTimeoutError: None became free in time.

        """
        return _Loan(self)

    def take(self) -> S:
        """Return a connection, which is to be given back; see `lend`."""
        try:
            self._places.get(timeout=self._timeout)
        except Empty:
            raise PoolTimeoutError from None
        try:
            return self._unused() or self._make()
        except BaseException:
            self._places.put(None)
            raise

    def give_back(self, session: S) -> None:
        """Take a connection back, whatever has become of it."""
        try:
            if not self._shelf.take_back(session):
                session.close()
        finally:
            self._places.put(None)

    def _unused(self) -> S | None:
        while (session := self._shelf.pop()) is not None and self._shelf.is_outdated(session):
            session.close()
        return session

    def close(self) -> None:
        """Close what is free; what is lent is closed when it comes back."""
        self._shelf.is_closed = True
        while (session := self._shelf.pop()) is not None:
            session.close()

    def _forget(self) -> None:
        _inherited.append((self._shelf, self._places))
        self._begin()


class AsyncPool(Generic[S]):
    """Lends to the tasks of one event loop."""

    def __init__(self, make: Callable[[], Awaitable[S]], size: int, timeout: float) -> None:
        """Note what makes connections, the most of them, and how many seconds to wait for one."""
        import asyncio  # noqa: PLC0415 - loaded, where there is a loop

        self._make = make
        self._timeout = timeout
        self._places = asyncio.Semaphore(size)
        self._shelf: _Shelf[S] = _Shelf()
        self._ending: set[asyncio.Task[None]] = set()

    def lend(self) -> _AsyncLoan[S]:
        """Lend a connection to an ``async with`` block.

        Raises:
            PoolTimeoutError: None became free in time.

        """
        return _AsyncLoan(self)

    async def take(self) -> S:
        """Return a connection, which is to be given back; see `lend`."""
        await self._acquire()
        try:
            return self._unused() or await self._make()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, session: S) -> None:
        """Take a connection back; one that a cancelled call leaves is closed meanwhile."""
        if self._shelf.take_back(session):
            self._places.release()
        else:
            self._end(session).add_done_callback(lambda _: self._places.release())

    async def _acquire(self) -> None:
        import asyncio  # noqa: PLC0415 - as above

        if self._places.locked():
            try:
                await asyncio.wait_for(self._places.acquire(), self._timeout)
            except asyncio.TimeoutError as error:
                raise PoolTimeoutError from error
        else:
            await self._places.acquire()  # comes back at once

    def _unused(self) -> S | None:
        while (session := self._shelf.pop()) is not None and self._shelf.is_outdated(session):
            self._end(session)
        return session

    async def close(self) -> None:
        """Close what is free; what is lent is closed when it comes back."""
        import asyncio  # noqa: PLC0415 - as above

        self._shelf.is_closed = True
        while (session := self._shelf.pop()) is not None:
            self._end(session)
        await asyncio.gather(*self._ending)

    def _end(self, session: S) -> asyncio.Task[None]:
        import asyncio  # noqa: PLC0415 - as above

        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(session.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task


class _Loan(Generic[S]):
    """A ``with`` block's connection; a generator would cost each call more."""

    def __init__(self, pool: Pool[S]) -> None:
        self._pool = pool

    def __enter__(self) -> S:
        self._session = self._pool.take()
        return self._session

    def __exit__(self, *_: object) -> None:
        self._pool.give_back(self._session)


class _AsyncLoan(Generic[S]):
    """An ``async with`` block's connection."""

    def __init__(self, pool: AsyncPool[S]) -> None:
        self._pool = pool

    async def __aenter__(self) -> S:
        self._session = await self._pool.take()
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._pool.give_back(self._session)


def _forget_all() -> None:
    """Let a forked child begin anew: its parent's connections are not its own."""
    for pool in _all:
        pool._forget()  # noqa: SLF001


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
