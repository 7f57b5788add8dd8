"""Messages in order: the methods of ``ChatStore``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator

from chatstore.core import operations
from chatstore.core.messages import ChatMessage
from chatstore.core.paging import MAX_PAGE_SIZE, KeyPager, MessagePager, OnCorrupt
from chatstore.core.running import PlanRunner


class MessageMethods(PlanRunner):
    """Sets, adds, reads, counts and deletes messages."""

    def set_messages(
        self, key: str, messages: Iterable[ChatMessage], *, expected_revision: str | None = None
    ) -> None:
        """Replace all messages of the conversation; its record stays.

        An empty list deletes a conversation that was not created, and has neither an owner, a title
        nor metadata.

        Raises:
            InvalidMessageError: JSON cannot represent a message, or two have the same id.
            MessageTooLargeError: A message exceeds `max_message_bytes`.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        self.run("set_messages", operations.set_messages, key, messages, expected_revision)

    async def async_set_messages(
        self, key: str, messages: Iterable[ChatMessage], *, expected_revision: str | None = None
    ) -> None:
        """Like `set_messages`, but awaitable."""
        await self.async_run(
            "set_messages", operations.set_messages, key, messages, expected_revision
        )

    def add_message(
        self,
        key: str,
        message: ChatMessage,
        idx: int | None = None,
        *,
        expected_revision: str | None = None,
    ) -> None:
        """Append a message, or insert it before the zero-based index ``idx`` like ``list.insert``.

        A message is not added again if the conversation has one with the same id. Role, content
        and additional_kwargs must be equal then; the stored metadata stays.

        Raises:
            InvalidMessageError: JSON cannot represent the message.
            MessageTooLargeError: The message exceeds `max_message_bytes`.
            MessageConflictError: The conversation has its id with other content.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        self.run("add_message", operations.add_message, key, message, idx, expected_revision)

    async def async_add_message(
        self,
        key: str,
        message: ChatMessage,
        idx: int | None = None,
        *,
        expected_revision: str | None = None,
    ) -> None:
        """Like `add_message`, but awaitable."""
        await self.async_run(
            "add_message", operations.add_message, key, message, idx, expected_revision
        )

    def add_messages(
        self, key: str, messages: Iterable[ChatMessage], *, expected_revision: str | None = None
    ) -> None:
        """Append messages next to each other, all or none of them.

        Messages are not added again if the conversation has their ids. Role, content and
        additional_kwargs must be equal then; the stored metadata stays.

        Raises:
            InvalidMessageError: JSON cannot represent a message, or two have the same id.
            MessageTooLargeError: A message exceeds `max_message_bytes`.
            MessageConflictError: The conversation has an id with other content.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        self.run("add_messages", operations.add_messages, key, messages, expected_revision)

    async def async_add_messages(
        self, key: str, messages: Iterable[ChatMessage], *, expected_revision: str | None = None
    ) -> None:
        """Like `add_messages`, but awaitable."""
        await self.async_run(
            "add_messages", operations.add_messages, key, messages, expected_revision
        )

    def delete_messages(self, key: str, *, expected_revision: str | None = None) -> None:
        """Delete the conversation with its record, if it exists.

        Raises:
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        self.run("delete_messages", operations.delete_messages, key, expected_revision)

    async def async_delete_messages(
        self, key: str, *, expected_revision: str | None = None
    ) -> None:
        """Like `delete_messages`, but awaitable."""
        await self.async_run("delete_messages", operations.delete_messages, key, expected_revision)

    def delete_message(
        self, key: str, idx: int, *, force: bool = False, expected_revision: str | None = None
    ) -> ChatMessage | None:
        """Remove a message and return it; return ``None`` if the index is out of range.

        Args:
            key: The conversation.
            idx: Zero-based; negative indexes count from the end.
            force: Also remove a message that cannot be read, and return ``None`` for it.
            expected_revision: Remove nothing unless the conversation has this revision.

        Raises:
            CorruptMessageError: The message cannot be read and ``force`` is false; it is kept.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        return self.run(
            "delete_message",
            operations.delete_message,
            key,
            idx,
            force=force,
            expected_revision=expected_revision,
        )

    async def async_delete_message(
        self, key: str, idx: int, *, force: bool = False, expected_revision: str | None = None
    ) -> ChatMessage | None:
        """Like `delete_message`, but awaitable."""
        return await self.async_run(
            "delete_message",
            operations.delete_message,
            key,
            idx,
            force=force,
            expected_revision=expected_revision,
        )

    def delete_last_message(
        self, key: str, *, force: bool = False, expected_revision: str | None = None
    ) -> ChatMessage | None:
        """Remove the newest message and return it; return ``None`` for a missing conversation.

        Args:
            key: The conversation.
            force: Also remove a message that cannot be read, and return ``None`` for it.
            expected_revision: Remove nothing unless the conversation has this revision.

        Raises:
            CorruptMessageError: The message cannot be read and ``force`` is false; it is kept.
            RevisionConflictError: The conversation does not have `expected_revision`.

        """
        return self.run(
            "delete_last_message",
            operations.delete_message,
            key,
            -1,
            force=force,
            expected_revision=expected_revision,
        )

    async def async_delete_last_message(
        self, key: str, *, force: bool = False, expected_revision: str | None = None
    ) -> ChatMessage | None:
        """Like `delete_last_message`, but awaitable."""
        return await self.async_run(
            "delete_last_message",
            operations.delete_message,
            key,
            -1,
            force=force,
            expected_revision=expected_revision,
        )

    # ------------------------------------------------------------------ reading

    def get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        """Return all messages, or the newest ``last`` messages, oldest first.

        A missing conversation has no messages.

        Raises:
            CorruptMessageError: A message cannot be read.

        """
        return self.run("get_messages", operations.get_messages, key, last)

    async def async_get_messages(self, key: str, *, last: int | None = None) -> list[ChatMessage]:
        """Like `get_messages`, but awaitable."""
        return await self.async_run("get_messages", operations.get_messages, key, last)

    def iter_messages(
        self,
        key: str,
        *,
        reverse: bool = False,
        page_size: int = 100,
        on_corrupt: OnCorrupt = "raise",
    ) -> Iterator[ChatMessage]:
        """Iterate over the messages, reading a page at a time.

        Messages that are appended meanwhile do not cause repeated or skipped messages; oldest
        first, the iterator reaches them.

        Args:
            key: The conversation.
            reverse: Newest first instead of oldest first.
            page_size: The number of messages to read at a time.
            on_corrupt: What to do with a message that cannot be read: ``"raise"``, ``"skip"``,
                or a function that is called with the `CorruptMessageError` and returns a
                replacement, or ``None`` to skip it.

        Raises:
            ConversationChangedError: Between two pages, the conversation was replaced or deleted,
                or a message was inserted.
            CorruptMessageError: A message cannot be read, and ``on_corrupt`` is ``"raise"``.

        """
        return self.iterate(
            "iter_messages",
            MessagePager,
            key,
            reverse=reverse,
            page_size=page_size,
            on_corrupt=on_corrupt,
        )

    def async_iter_messages(
        self,
        key: str,
        *,
        reverse: bool = False,
        page_size: int = 100,
        on_corrupt: OnCorrupt = "raise",
    ) -> AsyncIterator[ChatMessage]:
        """Like `iter_messages`, for ``async for``."""
        return self.async_iterate(
            "iter_messages",
            MessagePager,
            key,
            reverse=reverse,
            page_size=page_size,
            on_corrupt=on_corrupt,
        )

    def count_messages(self, key: str) -> int:
        """Return the number of messages, 0 for a missing conversation."""
        return self.run("count_messages", operations.count_messages, key)

    async def async_count_messages(self, key: str) -> int:
        """Like `count_messages`, but awaitable."""
        return await self.async_run("count_messages", operations.count_messages, key)

    def get_keys(self, prefix: str = "") -> list[str]:
        """Return the keys of all conversations that begin with ``prefix``, in any order."""
        return list(self.iterate("get_keys", KeyPager, prefix, MAX_PAGE_SIZE))

    async def async_get_keys(self, prefix: str = "") -> list[str]:
        """Like `get_keys`, but awaitable."""
        keys = self.async_iterate("get_keys", KeyPager, prefix, MAX_PAGE_SIZE)
        return [key async for key in keys]

    def iter_keys(self, prefix: str = "", page_size: int = 1000) -> Iterator[str]:
        """Iterate over the keys that begin with ``prefix``, reading a page at a time.

        Each key is listed once. Conversations that are created or deleted meanwhile may be listed.
        """
        return self.iterate("iter_keys", KeyPager, prefix, page_size)

    def async_iter_keys(self, prefix: str = "", page_size: int = 1000) -> AsyncIterator[str]:
        """Like `iter_keys`, for ``async for``."""
        return self.async_iterate("iter_keys", KeyPager, prefix, page_size)
