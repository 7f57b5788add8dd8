"""``ConditionalBackend``: a backend over the few primitives of a `Database`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from chatstore.conditional.commit import head_write
from chatstore.conditional.conversations import Conversations
from chatstore.conditional.database import Database
from chatstore.conditional.head import StoredHead, new_head
from chatstore.conditional.head_json import load_head
from chatstore.conditional.purging import purge
from chatstore.core import ChatStoreError
from chatstore.core.backend import (
    ConversationRecord,
    Create,
    Delete,
    OwnedPage,
    OwnerIndex,
    Plan,
    StoredConversation,
    Update,
)

C = TypeVar("C")
T = TypeVar("T")


class ConditionalBackend(Conversations[C]):
    """Keeps conversations in a database that can write several items on a condition.

    A subclass says how plans run (`run`, `async_run`), what the driver's errors mean
    (`translate`), and what is closed.

    Attributes:
        database: The database.

    """

    def __init__(
        self,
        database: Database[C],
        *,
        ttl: float | None = None,
        patience: float = 30.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a database; nothing is sent before the first call.

        Args:
            database: The database.
            ttl: Seconds after its last write until a conversation expires; by default it stays.
            patience: Seconds for which a call is repeated when other writers were faster, or when
                the database does not answer.
            clock: Returns the time in seconds since 1970; it decides what has expired.

        Raises:
            InvalidArgumentError: ``ttl`` or ``patience`` is out of range.

        """
        super().__init__(database, ttl=ttl, patience=patience, clock=clock)
        lists = database.owner_lists()
        self._lists = None if lists is None else _OwnerLists(lists, self, patience, clock)
        self._index = None if self._lists is None else OwnerIndex(self._lists)

    def create(self, key: str, write: Create) -> Plan[C, StoredConversation | None]:
        """See `Backend.create`."""
        create = super().create
        if self._index is None:
            return create(key, write)
        return self._index.create(key, write, lambda write: create(key, write))

    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """See `Backend.update`."""
        update = super().update
        if self._index is None:
            return update(key, write)
        return self._index.update(key, write, lambda write: update(key, write))

    def delete(self, key: str, write: Delete) -> Plan[C, None]:
        """See `Backend.delete`; this also works if the head is damaged."""
        record = yield from self.forget(key, write)
        if self._index is not None:
            yield from self._index.forget(record)

    def refresh(self, key: str, record: ConversationRecord) -> Plan[C, None]:
        """Refresh the entry of a conversation in its owner's list."""
        if self._index is not None:
            yield from self._index.refresh(key, record)

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[C, OwnedPage]:
        """See `Backend.list_owned`."""
        if self._index is not None:
            return self._index.list_owned(owner, limit, cursor, self)
        return self._list_indexed(owner, limit, cursor)

    def _list_indexed(self, owner: str, limit: int, cursor: Any | None) -> Plan[C, OwnedPage]:
        """Read an owner's conversations by the service's index."""
        database = self.context.database
        stored, following = yield from database.list_owned(owner, limit, cursor)
        conversations = []
        for key, (text, version) in stored:
            head = StoredHead(load_head(text), version)
            conversation = yield from self.conversation(key, head)
            if conversation is not None and conversation.record.owner == owner:
                conversations.append((key, conversation))
        return OwnedPage(conversations, following)

    def check(self, key: str) -> Plan[C, None]:
        """See `Backend.check`.

        An empty head is written and deleted. If the client is killed in between, it is purged like
        the head of a conversation that ended.
        """
        database = self.context.database
        yield from self.read_conversations([key])
        version = yield from database.commit(
            key, head_write(None, self.context.lasting(new_head()))
        )
        if version is not None:
            yield from database.delete_head(key, version)

    def purge_expired(self) -> Plan[C, bool]:
        """Free the storage of expired conversations, and what killed writers left.

        The head of an expired conversation is deleted three days later. What a killed writer was
        staging is deleted when this process has seen it unchanged for ten minutes, or a week after
        any process saw it first.

        Raises:
            CorruptStoreError: The head of a conversation is damaged; the others were purged.

        """
        expired = yield from purge(self.context)
        if self._index is not None and self._lists is not None:
            for record in expired:
                yield from self._index.forget(record)
            yield from purge(self._lists.context)
        return False


class _OwnerLists(Conversations[C]):
    """Keeps the lists of owners' conversations, with the clients of another backend."""

    def __init__(
        self,
        database: Database[C],
        conversations: Conversations[C],
        patience: float,
        clock: Callable[[], float],
    ) -> None:
        """Take the database of the lists, and the backend of the conversations."""
        self._conversations = conversations
        super().__init__(database, ttl=None, patience=patience, clock=clock)

    def run(self, plan: Plan[C, T]) -> T:
        """See `Backend.run`."""
        return self._conversations.run(plan)

    async def async_run(self, plan: Plan[C, T]) -> T:
        """See `Backend.async_run`."""
        return await self._conversations.async_run(plan)

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return self._conversations.translate(error)

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[C, OwnedPage]:
        """Return nothing: lists have no owners."""
        del owner, limit, cursor
        yield from ()
        return OwnedPage([], None)

    def close(self) -> None:
        """Do nothing: the backend of the conversations closes the clients."""

    async def async_close(self) -> None:
        """Do nothing: the backend of the conversations closes the clients."""
