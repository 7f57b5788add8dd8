"""``OwnerIndex``: lists of owners' conversations, for databases without an index of their own.

An owner's list is itself a conversation, in a key space of its own, and its messages are the
entries: one for each conversation of the owner, with a random id that the conversation's record
remembers (`ConversationRecord.index_entry`). The order of entries is the order of their last
refreshes.

No conversation is ever missing from its owner's list, whatever crashes when:

- An entry is written before the conversation is created or gets its owner, and removed after the
  conversation was deleted or got another owner. A crash in between leaves an entry too many.
- An entry is removed by its id, which no other entry ever has. So a slow deletion cannot remove
  the entry of a conversation that was created again meanwhile.
- Readers ignore an entry that its conversation does not remember. They remove it only
  `STALE_AFTER` its last refresh, since the conversation may still be about to be created.

Writes refresh an entry at most once in `REFRESH_AFTER`, so the order may lag by this time. All
other writes cost nothing more.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Any, Generic, TypeVar

from chatstore.core.backend.base import Backend
from chatstore.core.backend.conversations import (
    ConversationRecord,
    OwnedPage,
    StoredConversation,
)
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest
from chatstore.core.backend.records import Record, StoredRecord
from chatstore.core.backend.writes import Append, Create, Put, Remove, Replace, Update
from chatstore.core.errors import CorruptStoreError, InvalidArgumentError

C = TypeVar("C")
T = TypeVar("T")
REFRESH_AFTER = 60.0
"""Seconds after which a write refreshes the entry of its conversation."""

STALE_AFTER = 3600.0
"""Seconds after which an entry without its conversation is removed.

A call that creates a conversation writes the entry first, and ends or fails long before that.
"""

_MAX_PAGE = 100  # entries that are read at once
_SCAN_PAGE = 1000  # conversations that a repair reads at once


class OwnerIndex(Generic[C]):
    """Keeps the lists of owners' conversations."""

    def __init__(self, lists: Backend[C]) -> None:
        """Take the backend of the lists.

        Args:
            lists: Keeps the lists, with plans for the same client as the conversations' backend,
                in a key space of its own, and without a ttl.

        """
        self._lists = lists

    def create(
        self, key: str, write: Create, create: Callable[[Create], Plan[C, T | None]]
    ) -> Plan[C, T | None]:
        """Create a conversation with an entry in its owner's list; ``None``: it exists.

        Args:
            key: The conversation.
            write: What to create.
            create: Creates the conversation alone; ``None``: it exists.

        """
        owner = write.record.owner
        if owner is None:
            return (yield from create(write))
        entry = yield from self._add(owner, key)
        record = write.record._replace(index_entry=entry)
        result = yield from create(Create(record, write.records))
        if result is None:
            yield from self._remove(owner, entry)
        return result

    def update(
        self, key: str, write: Update, update: Callable[[Update], Plan[C, T | None]]
    ) -> Plan[C, T | None]:
        """Change a conversation's record, and its owner's list; ``None``: it has another record.

        Args:
            key: The conversation.
            write: What to change.
            update: Changes the record alone; ``None``: the conversation has another record.

        """
        before, owner = write.before, write.after.owner
        if owner == before.owner:
            return (yield from update(write))
        entry = None if owner is None else (yield from self._add(owner, key))
        after = write.after._replace(index_entry=entry)
        result = yield from update(Update(before, after, write.expected_revision))
        if result is not None:
            yield from self.forget(before)
        elif entry is not None and owner is not None:
            yield from self._remove(owner, entry)
        return result

    def forget(self, record: ConversationRecord | None) -> Plan[C, None]:
        """Remove the entry of a conversation that was deleted, or has another owner now."""
        if record is not None and record.owner is not None and record.index_entry is not None:
            yield from self._remove(record.owner, record.index_entry)

    def refresh(self, key: str, record: ConversationRecord) -> Plan[C, None]:
        """Move the entry of a conversation that was written to the end of its owner's list."""
        if record.owner is not None and record.index_entry is not None:
            entry = _entry(key, record.index_entry)
            yield from self._lists.put(_list_key(record.owner), Put(entry, moves_to_end=True))

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None, backend: Backend[C]
    ) -> Plan[C, OwnedPage]:
        """Read about ``limit`` conversations of an owner; see `Backend.list_owned`.

        Args:
            owner: The owner.
            limit: About how many conversations to read.
            cursor: ``None`` at first, then the cursor of the page before.
            backend: Reads the conversations.

        Raises:
            InvalidArgumentError: `cursor` is not a cursor.

        """
        if cursor is not None and type(cursor) is not int:
            raise InvalidArgumentError("this is not a cursor: pass the cursor of the page before")
        conversations: list[tuple[str, StoredConversation]] = []
        while len(conversations) < limit:
            size = min(_MAX_PAGE, limit - len(conversations))
            page = yield from self._lists.read_newest(_list_key(owner), Newest(size, cursor))
            entries = [_read_entry(record) for record in page.records[::-1]]
            stored = yield from backend.read_conversations([key for key, _, _ in entries])
            for (key, entry, refreshed), conversation in zip(entries, stored, strict=True):
                if conversation is not None and conversation.record.index_entry == entry:
                    conversations.append((key, conversation))
                elif time.time() - refreshed > STALE_AFTER:
                    yield from self._remove(owner, entry)
            if len(entries) < size:
                return OwnedPage(conversations, None)
            cursor = page.records[0].position
        return OwnedPage(conversations, cursor)

    def repair(self, owner: str, backend: Backend[C]) -> Plan[C, bool]:
        """Write an owner's list again if the database lost parts of it; return whether it did.

        This reads all conversations. One that was about to be created when its entry was lost is
        found by the second reading, or returns to the list with its next refresh.

        Args:
            owner: The owner.
            backend: Reads the conversations.

        """
        try:
            yield from self._lists.count(_list_key(owner))
        except CorruptStoreError:
            owned = yield from _find_owned(owner, backend)
            entries = [_entry(key, entry) for key, entry in owned.items()]
            yield from self._lists.replace(_list_key(owner), Replace(entries))
            for key, entry in (yield from _find_owned(owner, backend)).items():
                if owned.get(key) != entry:
                    record = ConversationRecord(owner, index_entry=entry)
                    yield from self.refresh(key, record)
            return True
        return False

    def _add(self, owner: str, key: str) -> Plan[C, str]:
        entry = token_hex(12)
        yield from self._lists.append(_list_key(owner), Append([_entry(key, entry)]))
        return entry

    def _remove(self, owner: str, entry: str) -> Plan[C, None]:
        yield from self._lists.remove(_list_key(owner), Remove(entry, _accept))


def _find_owned(owner: str, backend: Backend[C]) -> Plan[C, dict[str, str]]:
    """Return an owner's conversations and their entries, the oldest ``updated_at`` first."""
    result: dict[str, StoredConversation] = {}
    cursor: Any | None = None
    while True:
        page = yield from backend.list_keys("", _SCAN_PAGE, cursor)
        stored = yield from backend.read_conversations(page.keys)
        result.update(
            (key, one)
            for key, one in zip(page.keys, stored, strict=True)
            if one is not None and one.record.owner == owner
        )
        cursor = page.cursor
        if cursor is None:
            break
    ordered = sorted(result.items(), key=lambda item: item[1].updated_at)
    return {key: one.record.index_entry for key, one in ordered if one.record.index_entry}


def _list_key(owner: str) -> str:
    """Return the key of an owner's list; owners' names may be longer than some databases' keys."""
    return hashlib.sha256(owner.encode()).hexdigest()


def _entry(key: str, entry: str) -> Record:
    fields = {"id": entry, "key": key, "refreshed": round(time.time(), 3)}
    return Record(entry, json.dumps(fields, ensure_ascii=False))


def _read_entry(record: StoredRecord) -> tuple[str, str, float]:
    try:
        fields = json.loads(record.body)
        key, entry, refreshed = fields["key"], fields["id"], float(fields["refreshed"])
    except (ValueError, TypeError, LookupError, RecursionError):
        key, entry, refreshed = None, None, 0.0
    if not (isinstance(key, str) and isinstance(entry, str)):
        raise CorruptStoreError("an entry in the list of an owner's conversations cannot be read")
    return key, entry, refreshed


def _accept(_: StoredRecord) -> None:
    """Let any entry be removed."""
