"""``Answer``: a message of a model that is saved while it grows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import anyio
from typing_extensions import Self

from chatstore.core import (
    ChatMessage,
    ChatStoreError,
    ContentBlock,
    InvalidArgumentError,
    StoreClosedError,
)
from chatstore.http.answer_status import COMPLETED, IN_PROGRESS, INCOMPLETE, with_status
from chatstore.http.answer_writer import AnswerWriter
from chatstore.http.owned import OwnedConversations

logger = logging.getLogger("chatstore.http")


class Answer:
    """An answer that grows; ``async with`` saves it.

    The metadata of the message has a ``status``: ``in_progress``, ``completed``, or ``incomplete``
    if the block ended with an exception. Then ``incomplete_reason`` is ``cancelled`` (the client
    hung up, or the server stopped), ``error`` or ``too_large``.

    Attributes:
        message_id: The message's id.
        metadata: The message's other metadata, to which usage and the like can be added.

    """

    def __init__(
        self,
        conversations: OwnedConversations,
        key: str,
        message: ChatMessage,
        interval: float,
        growing: set[Answer],
    ) -> None:
        """Take what `Answers.open` passes.

        Args:
            conversations: The owner's conversations.
            key: The conversation.
            message: The message to begin with; it has an id.
            interval: The least number of seconds between two writes.
            growing: Contains this answer from its beginning to its last write.

        """
        self.message_id = str(message.id)
        self.metadata: dict[str, Any] = dict(message.metadata)
        self._conversations = conversations
        self._key = key
        self._message = message
        self._interval = interval
        self._growing = growing
        self._texts: list[str] = []
        self._status = IN_PROGRESS
        self._reason: str | None = None
        self._writer: AnswerWriter | None = None

    async def check_owner(self) -> None:
        """Check that the owner has the conversation.

        Raises:
            ConversationNotFoundError: The owner does not have it.

        """
        await self._conversations.get(self._key)

    def append(self, text: str) -> None:
        """Add text to the answer.

        Raises:
            ConversationNotFoundError: The conversation was deleted after the answer began.
            MessageNotFoundError: The answer was removed after it had been saved.
            StoreClosedError: The application stops.
            ChatStoreError: The answer cannot be saved any more.
            InvalidArgumentError: The content consists of blocks.

        """
        if self._message.content:
            raise InvalidArgumentError(
                "this answer consists of blocks: pass all of them to set_content"
            )
        self._check_growing()
        self._texts.append(text)
        self._change()

    def set_content(
        self,
        content: Sequence[ContentBlock | Mapping[str, Any]],
        additional_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace the content so far by blocks, for answers with thinking or calls of tools.

        Raises:
            ChatStoreError: As `append`.

        """
        self._check_growing()
        self._message = ChatMessage(
            role=self._message.role,
            content=content,
            additional_kwargs=additional_kwargs or {},
            id=self._message.id,
            created_at=self._message.created_at,
        )
        self._change()

    def stop(self) -> None:
        """End the answer as incomplete, unless it has ended."""
        self._end(INCOMPLETE, "cancelled")

    async def wait(self) -> None:
        """Wait for the last write, whether it succeeds or not."""
        if self._writer is not None:
            await asyncio.wait([self._writer.task])

    async def __aenter__(self) -> Self:
        """Check the owner and begin.

        Raises:
            ConversationNotFoundError: The owner does not have the conversation.

        """
        await self.check_owner()
        self._writer = AnswerWriter(
            self._conversations, self._key, self._current, self.stop, self._interval
        )
        self._growing.add(self)
        self._writer.task.add_done_callback(self._written)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the answer, and wait for its last write even if the request is cancelled.

        Raises:
            ChatStoreError: The last write failed, and the block did not.

        """
        if kind is None:
            self._end(COMPLETED)
        elif issubclass(kind, Exception):
            self._end(INCOMPLETE, "error")
        else:  # cancellation, or the end of a generator
            self.stop()
        if self._writer is None:
            return
        try:
            # Starlette cancels the scope of a request again and again, uvicorn its task once.
            with anyio.CancelScope(shield=True):
                await asyncio.shield(self._writer.task)
        except ChatStoreError:
            if kind is None:
                raise

    def _end(self, status: str, reason: str | None = None) -> None:
        if self._status == IN_PROGRESS:
            self._status, self._reason = status, reason
        if self._writer is not None:
            self._writer.finish()

    def _check_growing(self) -> None:
        if self._writer is None:
            raise InvalidArgumentError("begin the answer with `async with`, before you add to it")
        if self._writer.task.done():
            self._writer.task.result()  # raises the error of the writes
        if self._status != IN_PROGRESS:
            raise StoreClosedError(
                "the answer has ended: its block was left, or the application stops"
            )

    def _change(self) -> None:
        if self._writer is not None:
            self._writer.change()

    def _current(self) -> ChatMessage:
        content = self._message.content or "".join(self._texts)
        update = {"content": content, "metadata": self.metadata}
        return with_status(self._message.model_copy(update=update), self._status, self._reason)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._growing.discard(self)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("an answer was not saved: %s", error)
