"""``ChatStore``: the public interface, sync and async.

Every method names an operation (`chatstore.core.operations`) and runs it; nothing is decided here.
"""

from __future__ import annotations

from types import TracebackType

from typing_extensions import Self

from chatstore.core import operations
from chatstore.core.errors import InvalidArgumentError
from chatstore.core.foreign import describe_store
from chatstore.core.store.by_id import MessageByIdMethods
from chatstore.core.store.conversations import ConversationMethods
from chatstore.core.store.messages import MessageMethods


class ChatStore(MessageMethods, MessageByIdMethods, ConversationMethods):
    """Keeps conversations: a record and ordered messages under a key.

    Every method has a twin with the prefix ``async_`` and the same behaviour; a program may use
    both on one store, and threads may share it. Messages are returned as copies.

    A conversation exists from its creation or its first message until it is deleted or expires.
    Without an owner, a title and metadata, a conversation that was not created goes with its last
    message.

    Every method that does I/O may raise, besides the errors it lists: `InvalidKeyError` if a key is
    not a string of 1 to 255 bytes in UTF-8, `StoreUnavailableError`, `StoreAccessError`,
    `StoreFullError`, `StoreSetupError`, `CorruptStoreError`, `StoreClosedError`.
    """

    @property
    def max_message_bytes(self) -> int | None:
        """The largest message as it is stored, in bytes of UTF-8; ``None``: no limit."""
        return self.backend.max_message_bytes

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

    def check(self) -> None:
        """Prove that this store can read and write now; for health checks.

        It sends a few small requests that change no conversation and leave nothing behind. What is
        missing in the database is created, as by any first call.

        Raises:
            StoreUnavailableError: The database does not answer.
            StoreAccessError: The credentials are wrong, or do not allow reading and writing.
            StoreFullError: The database or the disk is full.
            StoreSetupError: The database is set up wrongly.
            StoreClosedError: The store was closed.

        """
        self.run("check", operations.check)

    async def async_check(self) -> None:
        """Like `check`, but awaitable."""
        await self.async_run("check", operations.check)

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
