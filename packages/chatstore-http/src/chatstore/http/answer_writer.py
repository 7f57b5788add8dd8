"""``AnswerWriter``: saves an answer while it grows, in a task that requests do not cancel."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from chatstore.core import (
    ChatMessage,
    InvalidArgumentError,
    MessageTooLargeError,
    StoreUnavailableError,
)
from chatstore.http.answer_status import INCOMPLETE, with_status
from chatstore.http.owned import OwnedConversations

logger = logging.getLogger("chatstore.http")

_LAST_ATTEMPTS = 5
_PAUSE = 0.2  # before the second attempt; doubled for each further one


class AnswerWriter:
    """Writes the current state of a message, at most once in an interval, and its last state.

    One task does all writes of an answer, one after the other, so an earlier state cannot
    overwrite a later one. Requests are cancelled when a client hangs up, and tasks when the event
    loop is closed: the last write takes place nevertheless. A message that was removed after a
    write is not written again.
    """

    def __init__(
        self,
        conversations: OwnedConversations,
        key: str,
        message: Callable[[], ChatMessage],
        stop: Callable[[], None],
        interval: float,
    ) -> None:
        """Start the task.

        Args:
            conversations: The owner's conversations.
            key: The conversation.
            message: Returns the current state of the message.
            stop: Makes the current state the last one, if it is not.
            interval: The least number of seconds between two writes.

        """
        self._conversations = conversations
        self._key = key
        self._message = message
        self._stop = stop
        self._interval = interval
        self._saved: ChatMessage | None = None
        self._changed = asyncio.Event()
        self._finished = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    def change(self) -> None:
        """Write the message, when the interval has passed."""
        self._changed.set()

    def finish(self) -> None:
        """Write the message for the last time, now."""
        self._finished.set()
        self._changed.set()

    async def _run(self) -> None:
        try:
            await self._write_changes()
            await self._write_last()
        except asyncio.CancelledError:
            # The event loop waits for its cancelled tasks.
            self._stop()
            await self._write_last()
            raise

    async def _write_changes(self) -> None:
        await self._changed.wait()
        while not self._finished.is_set():
            self._changed.clear()
            try:
                await self._write()
            except StoreUnavailableError as error:
                logger.warning("a partial answer was not saved, it is tried again: %s", error)
                self._changed.set()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._finished.wait(), self._interval)
            await self._changed.wait()

    async def _write_last(self) -> None:
        for attempt in range(_LAST_ATTEMPTS):
            try:
                return await self._write()
            except StoreUnavailableError as error:
                logger.warning("an answer was not saved, attempt %d: %s", attempt + 1, error)
                await asyncio.sleep(_PAUSE * 2**attempt)
        return await self._write()

    async def _write(self) -> None:
        message = self._message()
        try:
            await self._save(message)
        except InvalidArgumentError as error:
            if self._saved is not None:
                reason = "too_large" if isinstance(error, MessageTooLargeError) else "error"
                await self._save(with_status(self._saved, INCOMPLETE, reason))
            raise
        self._saved = message

    async def _save(self, message: ChatMessage) -> None:
        if self._saved is None:
            await self._conversations.put_message(self._key, message)
        else:  # a client that stops an answer may remove it before the last write
            message_id = str(message.id)
            await self._conversations.change_message(self._key, message_id, lambda _: message)
