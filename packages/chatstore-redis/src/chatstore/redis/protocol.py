"""``RedisProtocol``: sends commands together, and gives each its reply."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import hiredis
import redis
import redis.exceptions

from chatstore.redis_scripts import Attempt

_INCOMPLETE = object()


class _Call:
    """A command and its reply.

    Attributes:
        command: The packed command.
        attempt: What is recorded about it.
        reply: The reply; cancelled: nobody waits for it.
        sent_at: When it was sent, by the event loop's clock.

    """

    __slots__ = ("attempt", "command", "reply", "sent_at")

    def __init__(self, command: bytes, attempt: Attempt, reply: asyncio.Future[Any]) -> None:
        self.command = command
        self.attempt = attempt
        self.reply = reply
        self.sent_at = 0.0


class RedisProtocol(asyncio.Protocol):
    """One connection that many tasks may use at once; replies come in the order of the commands.

    Commands of one pass of the event loop are written together. A reply that nobody waits for any
    more is read and dropped. If no part of the oldest reply comes in time, the connection is
    closed: the others cannot come before it.

    Attributes:
        answered_at: When the last reply came, by the event loop's clock; 0: none did.
        closed: Done when the connection is closed.

    """

    def __init__(self, timeout: float) -> None:
        """Wait at most ``timeout`` seconds for each reply."""
        self.answered_at = 0.0
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._timeout = timeout
        self._part_at = 0.0  # when a part of a reply came
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader(
            protocolError=redis.exceptions.InvalidResponse,
            replyError=redis.ResponseError,
            encoding="utf-8",
            errors="surrogateescape",  # what is not UTF-8 fails later, as damaged JSON
            notEnoughData=_INCOMPLETE,
        )
        self._unsent: list[_Call] = []
        self._unanswered: deque[_Call] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._error: Exception | None = None

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return self._error is None and self._transport is not None

    @property
    def is_waiting(self) -> bool:
        """Whether replies are to come."""
        return bool(self._unanswered or self._unsent)

    def submit(self, command: bytes, attempt: Attempt) -> asyncio.Future[Any]:
        """Send a command with others of this pass of the event loop; return its future reply."""
        reply = self._loop.create_future()
        if self._error is not None:
            reply.set_exception(_lost(self._error))
            return reply
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(_Call(command, attempt, reply))
        return reply

    def abort(self, error: Exception | None = None) -> None:
        """Close the connection at once; ``error`` is what the calls that wait get."""
        self._fail(error or ConnectionAbortedError())
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------------------------ called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Give the calls that wait their replies."""
        self._reader.feed(data)
        self.answered_at = self._loop.time()
        try:
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                self._receive(reply)
            if self._reader.has_data():
                self._part_at = self.answered_at
        except redis.exceptions.InvalidResponse as error:
            self.abort(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the calls that wait."""
        self._fail(exc or ConnectionResetError())
        if not self.closed.done():
            self.closed.set_result(None)

    # ------------------------------------------------------------------ sending and waiting

    def _flush(self) -> None:
        calls = [call for call in self._unsent if not call.reply.done()]
        self._unsent = []
        if self._transport is None or self._error is not None or not calls:
            return
        now = self._loop.time()
        for call in calls:
            call.attempt.was_sent = True
            call.sent_at = now
        self._unanswered.extend(calls)
        self._transport.write(b"".join([call.command for call in calls]))
        if self._watch is None:
            self._watch = self._loop.call_at(now + self._timeout, self._check_oldest)

    def _receive(self, reply: Any) -> None:
        if not self._unanswered:  # such as: too many clients
            self.abort(
                reply if isinstance(reply, Exception) else redis.exceptions.InvalidResponse()
            )
            return
        future = self._unanswered.popleft().reply
        if future.done():
            return
        if isinstance(reply, redis.ResponseError):
            future.set_exception(reply)
        else:
            future.set_result(reply)

    def _check_oldest(self) -> None:
        """Close the connection if the oldest reply is overdue, or look again when it would be.

        The event loop handles what it has received before it calls this. So a pause of the process
        does not let replies appear to be overdue.
        """
        self._watch = None
        if not self._unanswered:
            return
        due = max(self._unanswered[0].sent_at, self._part_at) + self._timeout
        now = self._loop.time()
        if due > now:
            self._watch = self._loop.call_at(due, self._check_oldest)
            return
        while self._unanswered and self._unanswered[0].sent_at + self._timeout <= now:
            call = self._unanswered.popleft()
            if not call.reply.done():
                call.reply.set_exception(redis.TimeoutError())
        self.abort()

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        calls = [*self._unanswered, *self._unsent]
        self._unanswered.clear()
        self._unsent = []
        for call in calls:
            if not call.reply.done():
                call.reply.set_exception(_lost(error))


def _lost(error: Exception) -> Exception:
    """Return the error of one call: an exception must not be raised for several of them."""
    if isinstance(error, redis.exceptions.InvalidResponse | redis.ResponseError):
        return type(error)(*error.args)
    lost = redis.ConnectionError()
    lost.__cause__ = error
    return lost
