"""Pools of connections: for threads, and for the tasks of one event loop.

For drivers whose own pools cost as much as a call. The connection that was released last is
acquired first. When a connection turns out to be outdated, older ones are discarded too: a
restart or a failover of the server makes all of them useless.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from chatstore.core.backend.forks import ForkAware, keep_inherited, watch
from chatstore.core.backend.observing import current_call

if TYPE_CHECKING:
    import asyncio

S = TypeVar("S", bound="Session")

IDLE_CHECK_AFTER = 10.0
"""Seconds without use after which a connection is checked before it is used again."""


class PoolTimeoutError(TimeoutError):
    """All connections were in use for too long."""


class Health(Enum):
    """What an answer, or the lack of one, says about a connection."""

    FINE = "fine"
    BROKEN = "broken"
    """This connection is useless; other connections are not affected."""
    OUTDATED = "outdated"
    """This connection and all older ones are useless: the server was restarted, lost its role, or
    no longer answers."""


class Session(Protocol):
    """One connection of a driver.

    Attributes:
        created_at: When it was opened, by `time.monotonic`.

    """

    created_at: float

    @property
    @abstractmethod
    def health(self) -> Health:
        """What the last answer said about the connection."""

    @property
    @abstractmethod
    def is_reusable(self) -> bool:
        """Whether another call can use it: no transaction is open, no answer is pending."""

    def is_alive(self) -> Any:
        """Ask the server whether it still answers, within a short time; awaitable if async."""

    def close(self) -> Any:
        """Close the connection; awaitable where the driver is async."""


class _Idle(Generic[S]):
    """The connections that are not in use."""

    def __init__(self, check_after: float) -> None:
        self.is_closed = False
        self._check_after = check_after
        self._sessions: list[tuple[S, float]] = []  # with the time of release
        self._outdated_at = 0.0

    def pop(self) -> tuple[S, float] | None:
        """Return the connection that was released last, and when that was."""
        try:
            return self._sessions.pop()
        except IndexError:  # EAFP: checking first would race with other threads
            return None

    def is_outdated(self, session: S) -> bool:
        """Whether it is older than one that turned out to be outdated."""
        return session.created_at <= self._outdated_at

    def needs_check(self, released_at: float) -> bool:
        """Whether it was idle for so long that a firewall may have dropped it."""
        return time.monotonic() - released_at > self._check_after

    def mark_outdated(self) -> None:
        """Discard all connections that were opened until now."""
        self._outdated_at = time.monotonic()

    def push(self, session: S) -> bool:
        """Keep a connection for the next call; ``False``: it must be closed instead."""
        health = session.health
        if health is Health.OUTDATED:
            self.mark_outdated()
        if self.is_closed or health is not Health.FINE or not session.is_reusable:
            return False
        if self.is_outdated(session):
            return False
        self._sessions.append((session, time.monotonic()))
        return True


class Pool(ForkAware, Generic[S]):
    """Connections for threads; a forked child starts with an empty pool."""

    def __init__(
        self,
        connect: Callable[[], S],
        size: int,
        timeout: float,
        *,
        idle_check_after: float = IDLE_CHECK_AFTER,
    ) -> None:
        """Create an empty pool.

        Args:
            connect: Opens a connection.
            size: The most connections that are open at once.
            timeout: Seconds to wait for a free one.
            idle_check_after: Seconds without use after which a connection is checked.

        """
        self._connect = connect
        self._size = size
        self._timeout = timeout
        self._idle_check_after = idle_check_after
        self._reset()
        watch(self)

    def _reset(self) -> None:
        # One token for each connection in use: cheaper than threading.Semaphore.
        self._tokens: SimpleQueue[None] = SimpleQueue()
        for _ in range(self._size):
            self._tokens.put(None)
        self._idle: _Idle[S] = _Idle(self._idle_check_after)

    def session(self) -> _Acquired[S]:
        """Acquire a connection for a ``with`` block.

        Raises:
            PoolTimeoutError: All connections were in use for ``timeout`` seconds.

        """
        return _Acquired(self)

    def acquire(self) -> S:
        """Return a connection, which must be released; see `session`."""
        try:
            self._tokens.get_nowait()
        except Empty:
            self._wait()
        try:
            return self._reused() or self._connect()
        except BaseException:
            self._tokens.put(None)
            raise

    def release(self, session: S) -> None:
        """Take a connection back, and close it if it cannot be used again."""
        try:
            if not self._idle.push(session):
                session.close()
        finally:
            self._tokens.put(None)

    def _wait(self) -> None:
        with _measured_wait():
            try:
                self._tokens.get(timeout=self._timeout)
            except Empty:
                raise PoolTimeoutError from None

    def _reused(self) -> S | None:
        while (entry := self._idle.pop()) is not None:
            session, released_at = entry
            if not self._idle.is_outdated(session):
                if not self._idle.needs_check(released_at) or self._answers(session):
                    return session
                self._idle.mark_outdated()
            session.close()
        return None

    def _answers(self, session: S) -> bool:
        try:
            return bool(session.is_alive())
        except BaseException:  # KeyboardInterrupt while an answer is on its way
            session.close()
            raise

    def close(self) -> None:
        """Close idle connections now, the others when they are released."""
        self._idle.is_closed = True
        while (entry := self._idle.pop()) is not None:
            entry[0].close()

    def after_fork_in_child(self) -> None:
        """Start with an empty pool: the connections are the parent's."""
        keep_inherited(self._idle, self._tokens)
        self._reset()


class AsyncPool(Generic[S]):
    """Connections for the tasks of one event loop."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[S]],
        size: int,
        timeout: float,
        *,
        idle_check_after: float = IDLE_CHECK_AFTER,
    ) -> None:
        """Create an empty pool; see `Pool`."""
        import asyncio  # it is loaded if there is a loop

        self._connect = connect
        self._timeout = timeout
        self._tokens = asyncio.Semaphore(size)
        self._idle: _Idle[S] = _Idle(idle_check_after)
        self._closing: set[asyncio.Task[None]] = set()

    def session(self) -> _AsyncAcquired[S]:
        """Acquire a connection for an ``async with`` block.

        Raises:
            PoolTimeoutError: All connections were in use for ``timeout`` seconds.

        """
        return _AsyncAcquired(self)

    async def acquire(self) -> S:
        """Return a connection, which must be released; see `session`."""
        await self._take_token()
        try:
            return await self._reused() or await self._connect()
        except BaseException:
            self._tokens.release()
            raise

    def release(self, session: S) -> None:
        """Take a connection back; one that cannot be used again is closed in the background."""
        if self._idle.push(session):
            self._tokens.release()
        else:
            self._close_soon(session).add_done_callback(lambda _: self._tokens.release())

    def is_outdated(self, session: S) -> bool:
        """Return whether the connection is older than one that turned out to be outdated."""
        return self._idle.is_outdated(session)

    def mark_outdated(self) -> None:
        """Discard all connections that were opened until now."""
        self._idle.mark_outdated()

    async def _take_token(self) -> None:
        import asyncio  # as above

        if self._tokens.locked():
            with _measured_wait():
                try:
                    await asyncio.wait_for(self._tokens.acquire(), self._timeout)
                except asyncio.TimeoutError as error:
                    raise PoolTimeoutError from error
        else:
            await self._tokens.acquire()  # returns at once

    async def _reused(self) -> S | None:
        while (entry := self._idle.pop()) is not None:
            session, released_at = entry
            if not self._idle.is_outdated(session):
                if not self._idle.needs_check(released_at) or await self._answers(session):
                    return session
                self._idle.mark_outdated()
            self._close_soon(session)
        return None

    async def _answers(self, session: S) -> bool:
        try:
            return bool(await session.is_alive())
        except BaseException:  # the caller is cancelled while an answer is on its way
            self._close_soon(session)
            raise

    async def close(self) -> None:
        """Close idle connections now, the others when they are released."""
        import asyncio  # as above

        self._idle.is_closed = True
        while (entry := self._idle.pop()) is not None:
            self._close_soon(entry[0])
        await asyncio.gather(*self._closing)

    def _close_soon(self, session: S) -> asyncio.Task[None]:
        import asyncio  # as above

        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task


@contextmanager
def _measured_wait() -> Iterator[None]:
    """Tell the observer of the current call how long it waited."""
    started = time.perf_counter()
    try:
        yield
    finally:
        observed = current_call.get()
        if observed is not None:
            observed.waited(time.perf_counter() - started)


class _Acquired(Generic[S]):
    """The connection of a ``with`` block; a generator would cost each call more."""

    def __init__(self, pool: Pool[S]) -> None:
        self._pool = pool

    def __enter__(self) -> S:
        self._session = self._pool.acquire()
        return self._session

    def __exit__(self, *_: object) -> None:
        self._pool.release(self._session)


class _AsyncAcquired(Generic[S]):
    """The connection of an ``async with`` block."""

    def __init__(self, pool: AsyncPool[S]) -> None:
        self._pool = pool

    async def __aenter__(self) -> S:
        self._session = await self._pool.acquire()
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._pool.release(self._session)
