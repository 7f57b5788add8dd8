"""Stores that treat damaged messages wrongly, and that are copied wrongly."""

from __future__ import annotations

from typing import Any

from chatstore.core import ChatStore, codec
from chatstore.core.backend import Oldest, Page, Plan, Remove, StoredRecord
from chatstore.core.errors import CorruptMessageError
from chatstore.core.simple import Conversations, SimpleChatStore
from chatstore.core.testing.broken.base import BrokenBackend, BrokenStore, CorrectStore


def _is_damaged(key: str, record: StoredRecord) -> bool:
    try:
        codec.decode(key, *record)
    except CorruptMessageError:
        return True
    return False


class IgnoresForce(BrokenBackend):
    """Refuses to remove a damaged message, even with ``force``."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        return self.inner.remove(
            key, Remove(write.target, lambda record: codec.decode(key, *record))
        )


class AlwaysForces(BrokenBackend):
    """Removes a damaged message, even without ``force``."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        return self.inner.remove(key, Remove(write.target, lambda record: record))


class KeepsIdsOfDamaged(BrokenBackend):
    """Reads the id of a removed message from its body, and keeps the id if that is damaged."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        conversation = self.conversation_of(key)
        bodies = dict(conversation.bodies) if conversation else {}
        removed = yield from self.inner.remove(key, write)
        if conversation is not None and removed is not None and _is_damaged(key, removed):
            conversation.bodies = bodies
        return removed


class ForcesTheNeighbour(BrokenBackend):
    """Removes the first message instead of the requested one with ``force``."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        damaged = StoredRecord(-1, "")
        try:
            write.check(damaged)
        except CorruptMessageError:
            return self.inner.remove(key, write)
        return self.inner.remove(key, Remove(0, write.check))


class KeepsEmptyConversations(BrokenBackend):
    """Keeps a conversation after its last message was removed."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        conversation = self.conversation_of(key)
        removed = yield from self.inner.remove(key, write)
        if conversation is not None:
            self.by_key.setdefault(key, conversation)
        return removed


class NamesTheSamePosition(BrokenBackend):
    """Reports the same position for every damaged record."""

    def read_oldest(self, key: str, read: Oldest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_oldest(key, read)
        if read.limit < 50:
            return page
        return page._replace(records=[r._replace(position=7) for r in page.records])


class PicklesWithoutReason(CorrectStore):
    """Raises the standard library's error, which does not name the store."""

    def __reduce__(self) -> Any:
        """Raise the error that a lock raises."""
        raise TypeError("cannot pickle '_thread.RLock' object")


class PicklesNothing(CorrectStore):
    """Pickles the class without the store's data."""

    def __reduce__(self) -> Any:
        """Return an empty store."""
        return type(self), ()


class CopiesCloseTheOriginal(CorrectStore):
    """Unpickles to the same store, so closing the copy closes the original."""

    def __reduce__(self) -> Any:
        """Return this store."""
        _known[id(self)] = self
        return _look_up, (id(self),)


class CannotBeCopied(CorrectStore):
    """Raises when it is copied."""

    def __copy__(self) -> Any:
        """Refuse."""
        raise TypeError("no copies")


class CopiesAreEmpty(CorrectStore):
    """Is copied without its data."""

    def __deepcopy__(self, memo: Any) -> Any:
        """Return an empty store."""
        return SimpleChatStore()


def _look_up(number: int) -> ChatStore:
    return _known[number]


_known: dict[int, ChatStore] = {}

BROKEN = (
    BrokenStore(IgnoresForce, ("test_damaged_messages_can_be_removed",), reason="CorruptMessage"),
    BrokenStore(IgnoresForce, ("test_forced_removal_of_the_last_message",), reason="CorruptMess"),
    BrokenStore(AlwaysForces, ("test_damaged_messages_can_be_removed",)),
    BrokenStore(KeepsIdsOfDamaged, ("test_damaged_messages_can_be_removed",)),
    BrokenStore(ForcesTheNeighbour, ("test_damaged_messages_can_be_removed",)),
    BrokenStore(ForcesTheNeighbour, ("test_force_returns_messages_that_can_be_read",)),
    BrokenStore(KeepsEmptyConversations, ("test_forced_removal_of_the_last_message",)),
    BrokenStore(NamesTheSamePosition, ("test_damaged_messages_can_be_skipped",), "100 False sync"),
    BrokenStore(
        PicklesWithoutReason,
        ("test_pickled_store_is_another_store_of_the_database",),
        reason="does not name the store",
    ),
    BrokenStore(PicklesNothing, ("test_pickled_store_is_another_store_of_the_database",)),
    BrokenStore(
        CopiesCloseTheOriginal,
        ("test_pickled_store_is_another_store_of_the_database",),
        reason="closed",
    ),
    BrokenStore(CannotBeCopied, ("test_copied_stores_work",), reason="no copies"),
    BrokenStore(CopiesAreEmpty, ("test_copied_stores_work",)),
)
