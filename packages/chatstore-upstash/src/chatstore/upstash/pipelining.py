"""``CommandQueue``: commands of tasks that are ready together are sent as one request.

A command waits for no other one: it is sent in the event loop's next pass, with the commands that
are ready then. Only while `MAX_SHARED_REQUESTS` are under way, commands wait until one of them
ends, and are sent together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from chatstore.core.backend import PoolTimeoutError
from chatstore.upstash.answers import read_answer, read_answers
from chatstore.upstash.errors import is_refused_as_a_whole

T = TypeVar("T")
SMALL_COMMAND = 65_536
"""Bytes; a longer command is sent by itself."""
MAX_SHARED_REQUESTS = 4
"""The most requests of short commands at once: fewer ones are larger, and cost less for each."""
_MAX_BYTES = 1024 * 1024  # of a request: a command waits for the answers to all others
_MAX_COMMANDS = 128  # the same


class _Waiting:
    """A command, and the task that waits for its result."""

    def __init__(self, body: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self.body = body
        self.result: asyncio.Future[Any] = loop.create_future()
        self.since = loop.time()
        self.is_alone = False

    def end(self, result: Any) -> None:
        """End the wait, unless the task gave up."""
        if self.result.done():
            return
        if isinstance(result, Exception):
            self.result.set_exception(result)
        else:
            self.result.set_result(result)


class CommandQueue:
    """The commands of an event loop that wait to be sent."""

    def __init__(
        self,
        post: Callable[[str, bytes], Awaitable[bytes]],
        slots: asyncio.Semaphore,
        timeout: float,
    ) -> None:
        """Start empty.

        Args:
            post: Sends a request and returns the content of the answer.
            slots: Limits the number of the queue's requests at once.
            timeout: Seconds for which a command waits to be sent, and for which a cancelled call
                waits for the end of its request.

        """
        self._post = post
        self._slots = slots
        self._timeout = timeout
        self._waiting: deque[_Waiting] = deque()
        self._is_scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()  # the loop keeps only weak references

    async def run(self, body: bytes) -> Any:
        """Send a command and return its result.

        A request that was sent may take effect, so a cancelled call ends only after its request.
        """
        waiting = _Waiting(body, asyncio.get_running_loop())
        self._waiting.append(waiting)
        self._schedule()
        try:
            return await asyncio.shield(waiting.result)
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:
                await finish(waiting.result, self._timeout)
            raise

    def _schedule(self) -> None:
        if self._waiting and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        task = asyncio.get_running_loop().create_task(self._send())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self) -> None:
        """Send the commands that wait, as soon as a request may begin."""
        has_slot = False
        try:
            has_slot = await self._wait_for_slot()
            batch = self._take() if has_slot else []
        finally:
            self._is_scheduled = False
        self._schedule()  # for those that did not fit
        try:
            if batch:
                await self._exchange(batch)
        finally:
            if has_slot:
                self._slots.release()

    async def _wait_for_slot(self) -> bool:
        """Wait until a request may begin; ``False`` if no command waits any more."""
        while self._waiting:
            overdue = self._waiting[0].since + self._timeout
            if await acquire(self._slots, overdue - asyncio.get_running_loop().time()):
                return True
            if self._waiting:
                self._waiting.popleft().end(PoolTimeoutError())
        return False

    def _take(self) -> list[_Waiting]:
        """Return the commands of one request."""
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < _MAX_COMMANDS:
            size += len(self._waiting[0].body)
            if batch and (size > _MAX_BYTES or self._waiting[0].is_alone or batch[0].is_alone):
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _exchange(self, batch: Sequence[_Waiting]) -> None:
        """Send a request; each task gets the result of its command, or its own error."""
        results: Sequence[Any]
        try:
            if len(batch) == 1:
                results = [read_answer(await self._post("/", batch[0].body))]
            else:
                body = b"[%b]" % b",".join(waiting.body for waiting in batch)
                results = read_answers(await self._post("/pipeline", body), len(batch))
        except asyncio.CancelledError:  # the event loop ends
            for waiting in batch:
                waiting.result.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - the tasks get it
            if len(batch) > 1 and is_refused_as_a_whole(error):
                self._separate(batch)
                return
            results = [error] * len(batch)
        for waiting, result in zip(batch, results, strict=True):
            waiting.end(result)

    def _separate(self, batch: Sequence[_Waiting]) -> None:
        """Send commands again, each by itself: one of them may be the cause."""
        for waiting in batch:
            waiting.is_alone = True
        self._waiting.extend(waiting for waiting in batch if not waiting.result.done())
        self._schedule()


async def acquire(slots: asyncio.Semaphore, seconds: float) -> bool:
    """Acquire a semaphore; return ``False`` if that takes too long."""
    if not slots.locked():
        return await slots.acquire()  # at once
    try:
        return await asyncio.wait_for(slots.acquire(), seconds)
    except asyncio.TimeoutError:
        return False


async def finish(result: asyncio.Future[Any], timeout: float) -> None:
    """Wait up to ``timeout`` seconds for a result, however often the task is cancelled."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while not result.done() and (left := end - loop.time()) > 0:
        try:
            await asyncio.wait([result], timeout=left)
        except asyncio.CancelledError:
            continue
    if not result.cancel() and not result.cancelled():
        result.exception()  # mark as retrieved: the caller gets the cancellation instead


async def run_to_end(request: Coroutine[Any, Any, T], timeout: float) -> T:
    """Await a request; a cancelled call waits up to ``timeout`` seconds for its end."""
    task = asyncio.ensure_future(request)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await finish(task, timeout)
        raise
