"""Messages by id: methods of ``ChatStore``."""

from __future__ import annotations

from chatstore.core import operations
from chatstore.core.conversations import MessagePage
from chatstore.core.messages import ChatMessage
from chatstore.core.running import PlanRunner


class MessageByIdMethods(PlanRunner):
    """Gets, puts, removes and pages messages by their ids."""

    def get_message(self, key: str, message_id: str) -> ChatMessage | None:
        """Return the message with an id; ``None`` if the conversation does not have it.

        Raises:
            CorruptMessageError: The message cannot be read.

        """
        return self.run("get_message", operations.get_message, key, message_id)

    async def async_get_message(self, key: str, message_id: str) -> ChatMessage | None:
        """Like `get_message`, but awaitable."""
        return await self.async_run("get_message", operations.get_message, key, message_id)

    def put_message(
        self, key: str, message: ChatMessage, *, expected_revision: str | None = None
    ) -> None:
        """Replace the message with the same id, at its index, or append the message.

        For streaming: put the partial answer again and again, then the final one. It is also how
        the metadata of a stored message is changed.

        Raises:
            InvalidMessageError: The message has no id, or JSON cannot represent it.
            MessageTooLargeError: The message exceeds `max_message_bytes`.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        self.run("put_message", operations.put_message, key, message, expected_revision)

    async def async_put_message(
        self, key: str, message: ChatMessage, *, expected_revision: str | None = None
    ) -> None:
        """Like `put_message`, but awaitable."""
        await self.async_run("put_message", operations.put_message, key, message, expected_revision)

    def remove_message(
        self,
        key: str,
        message_id: str,
        *,
        force: bool = False,
        expected_revision: str | None = None,
    ) -> ChatMessage | None:
        """Remove the message with an id and return it; ``None`` if there is no such message.

        Args:
            key: The conversation.
            message_id: The message's id.
            force: Also remove a message that cannot be read, and return ``None`` for it.
            expected_revision: Remove nothing unless the conversation has this revision.

        Raises:
            CorruptMessageError: The message cannot be read and ``force`` is false; it is kept.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        return self.run(
            "remove_message",
            operations.remove_message,
            key,
            message_id,
            force=force,
            expected_revision=expected_revision,
        )

    async def async_remove_message(
        self,
        key: str,
        message_id: str,
        *,
        force: bool = False,
        expected_revision: str | None = None,
    ) -> ChatMessage | None:
        """Like `remove_message`, but awaitable."""
        return await self.async_run(
            "remove_message",
            operations.remove_message,
            key,
            message_id,
            force=force,
            expected_revision=expected_revision,
        )

    def page_messages(
        self, key: str, *, limit: int = 50, before: str | None = None, after: str | None = None
    ) -> MessagePage:
        """Return a page of messages, oldest first; for endless scrolling.

        Args:
            key: The conversation.
            limit: The most messages of the page.
            before: An id: the page ends just before this message. By default it ends with the
                newest message.
            after: An id: the page begins just after this message.

        Raises:
            MessageNotFoundError: The conversation does not have the message ``before`` or
                ``after``.
            InvalidArgumentError: ``before`` and ``after`` are both given.
            CorruptMessageError: A message cannot be read.
            ConversationChangedError: Messages were inserted again and again meanwhile.

        """
        return self.run("page_messages", operations.page_messages, key, limit, before, after)

    async def async_page_messages(
        self, key: str, *, limit: int = 50, before: str | None = None, after: str | None = None
    ) -> MessagePage:
        """Like `page_messages`, but awaitable."""
        return await self.async_run(
            "page_messages", operations.page_messages, key, limit, before, after
        )

    def truncate(self, key: str, *, from_id: str, expected_revision: str | None = None) -> int:
        """Remove a message and all later ones, at once; return their number.

        For applications in which users edit a message, or let an answer be generated again.

        Raises:
            MessageNotFoundError: The conversation does not have the message.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        return self.run("truncate", operations.truncate, key, from_id, expected_revision)

    async def async_truncate(
        self, key: str, *, from_id: str, expected_revision: str | None = None
    ) -> int:
        """Like `truncate`, but awaitable."""
        return await self.async_run(
            "truncate", operations.truncate, key, from_id, expected_revision
        )
