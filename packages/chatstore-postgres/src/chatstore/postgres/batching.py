"""``AppendBatches``: appends of one event loop's tasks to several conversations, in one statement.

A connection executes one statement at a time and waits for the disk after each, so a hundred tasks
would need as many connections. While appends are under way, others wait for a moment; then one
statement writes all of them. Each keeps its own outcome: the statement leaves out a message whose
conversation does not exist or is locked, and an id that exists. The call then sends its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import TYPE_CHECKING, NamedTuple

from chatstore.core.backend.settling import settle
from chatstore.postgres.sql.rendering import Rows, Sql

if TYPE_CHECKING:
    import asyncio

_UNDER_WAY = 2  # statements for which others wait: while one is on its way, the server has work
_LONGEST_WAIT = 0.02  # seconds, so that nobody waits for a conversation that is locked for long
_MAX_RECORDS = 100
_MAX_CHARACTERS = 1_000_000


class NewMessage(NamedTuple):
    """An append of one message.

    Attributes:
        sql: The statement that appends it alone.
        batch_sql: The statement that appends several.
        key: The conversation.
        ttl: Seconds; the same for all messages of a store.
        message_id: Its id.
        body: The message.
        request_id: The id of the append.

    """

    sql: Sql
    batch_sql: Sql
    key: bytes
    ttl: float | None
    message_id: bytes
    body: str
    request_id: int

    @property
    def parameters(self) -> tuple[object, ...]:
        """The parameters of ``sql``."""
        return self.key, self.ttl, 1, self.message_id, self.body, self.request_id


class AppendBatches:
    """The appends of one event loop that are under way or wait."""

    def __init__(self, fetch: Callable[..., Awaitable[Rows]]) -> None:
        """Take the function that executes a statement on a free connection."""
        self._fetch = fetch
        self._under_way = 0
        self._waiting: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def append(self, message: NewMessage) -> Rows:
        """Append a message, alone or with others; return the rows of its statement."""
        import asyncio  # a sync program never loads it

        if self._under_way < _UNDER_WAY:
            self._under_way += 1
            try:
                return await self._fetch(message.sql, *message.parameters)
            finally:
                self._end()
        loop = asyncio.get_running_loop()
        waiter = _Waiter(message, loop.create_future())
        self._waiting.append(waiter)
        if self._timer is None:
            self._timer = loop.call_later(_LONGEST_WAIT, self._start)
        try:
            return await waiter.rows
        except asyncio.CancelledError:
            if waiter.batch is None:
                self._waiting.remove(waiter)
            else:
                await settle(waiter.batch)  # nothing is written after its call has ended
            raise

    def _end(self) -> None:
        self._under_way -= 1
        if self._under_way < _UNDER_WAY:
            self._start()

    def _start(self) -> None:
        """Start to write those that wait."""
        import asyncio  # as above

        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch = self._take()
        if not batch:
            return
        loop = asyncio.get_running_loop()
        if self._waiting:
            self._timer = loop.call_later(_LONGEST_WAIT, self._start)
        self._under_way += 1
        # Without the context of one of the calls: the observer of a call would see others' waits.
        task = Context().run(loop.create_task, self._write(batch))
        for waiter in batch:
            waiter.batch = task
        self._tasks.add(task)  # an event loop keeps only weak references
        task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[_Waiter]:
        batch: list[_Waiter] = []
        size = 0
        while self._waiting and len(batch) < _MAX_RECORDS:
            size += len(self._waiting[0].message.body)
            if batch and size > _MAX_CHARACTERS:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _write(self, batch: list[_Waiter]) -> None:
        try:
            rows = await self._send([waiter.message for waiter in batch])
        except Exception as error:  # noqa: BLE001 - each call decides whether it is repeated
            for waiter in batch:
                if not waiter.rows.done():  # its task may be cancelled
                    waiter.rows.set_exception(error)
        else:
            for waiter, its_rows in zip(batch, rows, strict=True):
                if not waiter.rows.done():  # as above
                    waiter.rows.set_result(its_rows)
        finally:  # the task is cancelled when its event loop ends
            for waiter in batch:
                waiter.rows.cancel()  # without effect if it is done
            self._end()

    async def _send(self, messages: list[NewMessage]) -> list[Rows]:
        """Return the rows of each message, as its own statement would return them."""
        if len(messages) == 1:
            [message] = messages
            return [await self._fetch(message.sql, *message.parameters)]
        written = await self._fetch(
            messages[0].batch_sql,
            [message.key for message in messages],
            messages[0].ttl,
            [message.message_id for message in messages],
            "\n".join([message.body for message in messages]),  # JSON has no line breaks
            [message.request_id for message in messages],
        )
        rows: list[Rows] = [[] for _ in messages]
        for number, has_expired in written:
            rows[number - 1] = [(has_expired,)]
        return rows


class _Waiter:
    """An append that waits.

    Attributes:
        message: The append.
        rows: Its result.
        batch: What writes it; ``None``: it still waits.

    """

    def __init__(self, message: NewMessage, rows: asyncio.Future[Rows]) -> None:
        self.message = message
        self.rows = rows
        self.batch: asyncio.Task[None] | None = None
