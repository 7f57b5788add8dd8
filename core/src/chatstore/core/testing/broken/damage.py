"""Stores that offer no way out of damage, or a wrong one, and that are copied wrongly."""

from __future__ import annotations

from typing import Any

from chatstore.core import SimpleChatStore
from chatstore.core.backend import Plan, StoredRecord
from chatstore.core.testing.broken.base import BrokenStore, SoundStore


class IgnoresForce(SoundStore):
    """Keeps a damaged message, whatever it is told."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        return super()._remove(key, index)


class AlwaysForces(SoundStore):
    """Removes a damaged message without being told."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        return super()._remove(key, index, force=True)


class HoldsIdsOfDamaged(SoundStore):
    """Finds the id of a removed message in its body, which cannot be read."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        found = yield from self._find(key)
        bodies = dict(found.bodies) if found else {}
        removed = yield from super()._remove(key, index, force=force)
        if found is not None and removed is not None and not removed.body.endswith("}"):
            found.bodies = bodies
        return removed


class ForcesTheNeighbour(SoundStore):
    """Removes the first message where the one that is meant is damaged."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        return super()._remove(key, 0 if force else index, force=force)


class KeepsEmptyConversations(SoundStore):
    """Lists a conversation whose damaged message was removed."""

    def _written(self, key: str, conversation: Any) -> Plan[None]:
        yield from super()._written(key, conversation)
        self._conversations.setdefault(key, conversation)


class SaysPositionOfThePage(SoundStore):
    """Gives every damaged record the same position."""

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Any]:
        page = yield from super()._read_oldest(key, limit, after=after)
        if limit < 50:
            return page
        return page._replace(records=[r._replace(position=7) for r in page.records])


class PicklesWithoutReason(SoundStore):
    """Leaves it to the standard library to refuse."""

    def __reduce__(self) -> Any:
        """Refuse like a lock."""
        raise TypeError("cannot pickle '_thread.RLock' object")


class PicklesNothing(SoundStore):
    """Pickles the class and not what the store needs."""

    def __reduce__(self) -> Any:
        """Return an empty store."""
        return type(self), ()


class CopiesCloseTheOriginal(SoundStore):
    """Is unpickled as the same store, which the copy closes."""

    def __reduce__(self) -> Any:
        """Return this store."""
        _known[id(self)] = self
        return _the_same, (id(self),)


class CannotBeCopied(SoundStore):
    """Raises when it is copied."""

    def __copy__(self) -> Any:
        """Refuse."""
        raise TypeError("no copies")


class CopiesAreEmpty(SoundStore):
    """Is copied without what it holds."""

    def __deepcopy__(self, memo: Any) -> Any:
        """Return an empty store."""
        return SimpleChatStore()


def _the_same(number: int) -> SoundStore:
    return _known[number]


_known: dict[int, SoundStore] = {}

BROKEN = (
    BrokenStore(IgnoresForce, ("test_damaged_messages_can_be_removed",), reason="CorruptMessage"),
    BrokenStore(IgnoresForce, ("test_forced_removal_of_the_last_message",), reason="CorruptMess"),
    BrokenStore(AlwaysForces, ("test_damaged_messages_can_be_removed",)),
    BrokenStore(HoldsIdsOfDamaged, ("test_damaged_messages_can_be_removed",)),
    BrokenStore(ForcesTheNeighbour, ("test_damaged_messages_can_be_removed",)),
    BrokenStore(ForcesTheNeighbour, ("test_force_returns_messages_that_can_be_read",)),
    BrokenStore(KeepsEmptyConversations, ("test_forced_removal_of_the_last_message",)),
    BrokenStore(SaysPositionOfThePage, ("test_damaged_messages_can_be_skipped",), "100 False sync"),
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
