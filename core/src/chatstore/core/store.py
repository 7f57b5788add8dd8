"""``ChatStore``: the public interface, sync and async.

Every method names an operation (`chatstore.core.operations`) and runs it; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from types import TracebackType

from typing_extensions import Self

from chatstore.core import operations
from chatstore.core.errors import InvalidArgumentError
from chatstore.core.foreign import describe_store
from chatstore.core.messages import ChatMessage
from chatstore.core.paging import MAX_PAGE_SIZE, KeyPager, MessagePager, OnCorrupt
from chatstore.core.running import PlanRunner


class ChatStore(PlanRunner):
    """Keeps conversations: ordered messages under a key.

    Every method has a twin with the prefix ``async_`` and the same behaviour; a program may use
    both on one store, and threads may share it. A conversation without messages does not exist.
    Messages are returned as copies.

    Every method that does I/O may raise, besides the errors it lists: `InvalidKeyError` if a key is
    not a string of 1 to 255 bytes in UTF-8, `StoreUnavailableError`, `StoreAccessError`,
    `StoreFullError`, `StoreSetupError`, `CorruptStoreError`, `StoreClosedError`.
    """

    @property
    def max_message_bytes(self) -> int | None:
        """The largest message as it is stored, in bytes of UTF-8; ``None``: no limit."""
        return self.backend.max_message_bytes

    # ------------------------------------------------------------------ writing

    def set_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Replace the conversation; an empty list deletes it.

        Raises:
            InvalidMessageError: JSON cannot represent a message, or two have the same id.
            MessageTooLargeError: A message exceeds `max_message_bytes`.

        """
        self.run("set_messages", operations.set_messages, key, messages)

    async def async_set_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Like `set_messages`, but awaitable."""
        await self.async_run("set_messages", operations.set_messages, key, messages)

    def add_message(self, key: str, message: ChatMessage, idx: int | None = None) -> None:
        """Append a message, or insert it before the zero-based index ``idx`` like ``list.insert``.

        A message is not added again if the conversation has one with the same id.

        Raises:
            InvalidMessageError: JSON cannot represent the message.
            MessageTooLargeError: The message exceeds `max_message_bytes`.
            MessageConflictError: The conversation has its id with other content.

        """
        self.run("add_message", operations.add_message, key, message, idx)

    async def async_add_message(
        self, key: str, message: ChatMessage, idx: int | None = None
    ) -> None:
        """Like `add_message`, but awaitable."""
        await self.async_run("add_message", operations.add_message, key, message, idx)

    def add_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Append messages next to each other, all or none of them.

        Messages are not added again if the conversation has their ids.

        Raises:
            InvalidMessageError: JSON cannot represent a message, or two have the same id.
            MessageTooLargeError: A message exceeds `max_message_bytes`.
            MessageConflictError: The conversation has an id with other content.

        """
        self.run("add_messages", operations.add_messages, key, messages)

    async def async_add_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        """Like `add_messages`, but awaitable."""
        await self.async_run("add_messages", operations.add_messages, key, messages)

    def delete_messages(self, key: str) -> None:
        """Delete the conversation, if it exists."""
        self.run("delete_messages", operations.delete_messages, key)

    async def async_delete_messages(self, key: str) -> None:
        """Like `delete_messages`, but awaitable."""
        await self.async_run("delete_messages", operations.delete_messages, key)

    def delete_message(self, key: str, idx: int, *, force: bool = False) -> ChatMessage | None:
        """Remove a message and return it; return ``None`` if the index is out of range.

        Args:
            key: The conversation.
            idx: Zero-based; negative indexes count from the end.
            force: Also remove a message that cannot be read, and return ``None`` for it.

        Raises:
            CorruptMessageError: The message cannot be read and ``force`` is false; it is kept.

        """
        return self.run("delete_message", operations.delete_message, key, idx, force=force)

    async def async_delete_message(
        self, key: str, idx: int, *, force: bool = False
    ) -> ChatMessage | None:
        """Like `delete_message`, but awaitable."""
        return await self.async_run(
            "delete_message", operations.delete_message, key, idx, force=force
        )

    def delete_last_message(self, key: str, *, force: bool = False) -> ChatMessage | None:
        """Remove the newest message and return it; return ``None`` for a missing conversation.

        Args:
            key: The conversation.
            force: Also remove a message that cannot be read, and return ``None`` for it.

        Raises:
            CorruptMessageError: The message cannot be read and ``force`` is false; it is kept.

        """
        return self.run("delete_last_message", operations.delete_message, key, -1, force=force)

    async def async_delete_last_message(
        self, key: str, *, force: bool = False
    ) -> ChatMessage | None:
        """Like `delete_last_message`, but awaitable."""
        return await self.async_run(
            "delete_last_message", operations.delete_message, key, -1, force=force
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

    # ------------------------------------------------------------------ maintenance

    def setup(self) -> None:
        """Create what is missing in the database (files, tables), or check what is there.

        Calling it is optional: the first call of a store does the same, unless ``create=False``.

        Raises:
            SchemaVersionError: A later version of this package made the tables.
            StoreSetupError: The database is set up wrongly.

        """
        self.run("setup", operations.setup)

    async def async_setup(self) -> None:
        """Like `setup`, but awaitable."""
        await self.async_run("setup", operations.setup)

    def purge_expired(self) -> None:
        """Free the storage of all expired conversations; writes do it a little at a time."""
        while self.run("purge_expired", operations.purge_expired):
            pass

    async def async_purge_expired(self) -> None:
        """Like `purge_expired`, but awaitable."""
        while await self.async_run("purge_expired", operations.purge_expired):
            pass

    # ------------------------------------------------------------------ closing

    def __enter__(self) -> Self:
        """Return the store; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the store; leaving the block closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        await self.async_close()


def check_store(store: object, parameter: str = "store") -> ChatStore:
    """Return a store.

    Raises:
        InvalidArgumentError: `store` is not a `ChatStore`.

    """
    if not isinstance(store, ChatStore):
        raise InvalidArgumentError(
            f"{parameter} must be a chatstore.core.ChatStore, such as open_store(url) returns, "
            f"not {describe_store(store)}"
        )
    return store
