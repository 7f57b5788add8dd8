"""Backends that list, change or fork conversations wrongly."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chatstore.core.backend import (
    Append,
    Create,
    Delete,
    Existing,
    Newest,
    OwnedPage,
    Page,
    Plan,
    Put,
    Remove,
    Replace,
    StoredConversation,
    StoredRecord,
    Truncate,
    Update,
    call,
)
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import (
    BrokenBackend,
    BrokenStore,
    CorrectBackend,
    UnlockedBackend,
)

_PAUSE = 0.002  # seconds in which another thread can run
Entry = tuple[str, str]  # an owner and a key


class IndexedBackend(BrokenBackend):
    """Base class of backends with an index of owners, which is written in steps of its own."""

    def __init__(self, inner: CorrectBackend) -> None:
        """Start with an empty index."""
        super().__init__(inner)
        self.entries: set[Entry] = set()

    def index(self, owner: str | None, key: str) -> Plan[Conversations, None]:
        """Write an entry."""
        if owner is not None:
            yield from call(lambda _: self.entries.add((owner, key)))

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, OwnedPage]:
        """List the conversations that the index has."""
        page = yield from self.inner.list_owned(owner, limit, cursor)
        indexed = [one for one in page.conversations if (owner, one[0]) in self.entries]
        return OwnedPage(indexed, page.cursor)


class IndexesAfterwards(IndexedBackend):
    """Writes the entry of a conversation after the conversation."""

    def create(self, key: str, write: Create) -> Plan[Conversations, StoredConversation | None]:
        created = yield from self.inner.create(key, write)
        yield from self.index(write.record.owner, key)
        return created

    def update(self, key: str, write: Update) -> Plan[Conversations, StoredConversation | None]:
        updated = yield from self.inner.update(key, write)
        yield from self.index(write.after.owner, key)
        return updated


class UnindexesTooEarly(IndexedBackend):
    """Removes the entry of a conversation before it deletes the conversation."""

    def create(self, key: str, write: Create) -> Plan[Conversations, StoredConversation | None]:
        yield from self.index(write.record.owner, key)
        return (yield from self.inner.create(key, write))

    def update(self, key: str, write: Update) -> Plan[Conversations, StoredConversation | None]:
        yield from self.index(write.after.owner, key)
        return (yield from self.inner.update(key, write))

    def delete(self, key: str, write: Delete) -> Plan[Conversations, None]:
        saved = {entry for entry in self.entries if entry[1] != key}
        yield from call(lambda _: self.entries.intersection_update(saved))
        yield from self.inner.delete(key, write)


class ForgetsToIndexForks(UnindexesTooEarly):
    """Lists conversations that were created, but not those that were forked."""

    def create(self, key: str, write: Create) -> Plan[Conversations, StoredConversation | None]:
        return super().create(key, write) if not write.records else self.inner.create(key, write)


class ListsFormerConversations(BrokenBackend):
    """Lists a conversation for all owners that it ever had."""

    def __init__(self, inner: CorrectBackend) -> None:
        """Start with an empty index."""
        super().__init__(inner)
        self.entries: list[Entry] = []

    def update(self, key: str, write: Update) -> Plan[Conversations, StoredConversation | None]:
        if write.before.owner is not None:
            self.entries.append((write.before.owner, key))
        return self.inner.update(key, write)

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, OwnedPage]:
        page = yield from self.inner.list_owned(owner, limit, cursor)
        former = [key for who, key in self.entries if who == owner and key in self.by_key]
        added = [(key, self.by_key[key].stored()) for key in former]
        return page._replace(conversations=[*page.conversations, *added])


class ListsByScanning(BrokenBackend):
    """Reads all conversations to find those of an owner."""

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, OwnedPage]:
        self.inner.requests += len(self.by_key) // 10
        return self.inner.list_owned(owner, limit, cursor)


class ListsOldestFirst(BrokenBackend):
    """Lists conversations in the order of their creation."""

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, OwnedPage]:
        page = yield from self.inner.list_owned(owner, 1000, None)
        pairs = sorted(page.conversations, key=lambda pair: pair[1].created_at)
        start = cursor or 0
        end = start + limit
        return OwnedPage(pairs[start:end], end if end < len(pairs) else None)


class AcceptsStaleRevisions(BrokenBackend):
    """Ignores the expected revision."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        return self.inner.append(key, replace(write, expected_revision=None))

    def put(self, key: str, write: Put) -> Plan[Conversations, None]:
        return self.inner.put(key, replace(write, expected_revision=None))


class ChecksRevisionsTooEarly(UnlockedBackend):
    """Checks the revision before the write, in a step of its own."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        current = None if conversation is None else conversation.revision
        if write.expected_revision == current:
            time.sleep(_PAUSE)
            write = replace(write, expected_revision=None)
        return (yield from self.inner.append(key, write))


class CountsRevisions(BrokenBackend):
    """Takes a conversation's length as its revision, so revisions repeat."""

    def __init__(self, inner: CorrectBackend) -> None:
        """Give conversations these revisions when they are saved."""
        super().__init__(inner)
        save = inner.conversations.save

        def save_counted(key: str, conversation: Any) -> None:
            save(key, conversation)
            conversation.revision = str(len(conversation.records))

        inner.conversations.save = save_counted  # type: ignore[method-assign]


class OverwritesRecords(UnlockedBackend):
    """Writes the whole record without comparing: of two changes at once, one is lost."""

    def update(self, key: str, write: Update) -> Plan[Conversations, StoredConversation | None]:
        time.sleep(_PAUSE)
        conversation = self.conversation_of(key)
        before = write.before if conversation is None else conversation.record
        return (yield from self.inner.update(key, replace(write, before=before)))


class SetForgetsTheRecord(BrokenBackend):
    """Deletes the conversation and begins another one to replace its messages."""

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        if write.expected_revision is None:
            yield from self.inner.delete(key, Delete())
        yield from self.inner.replace(key, write)


class ForgetsEmptyConversations(BrokenBackend):
    """Deletes a conversation that was created when its last message is removed."""

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        removed = yield from self.inner.remove(key, write)
        conversation = self.conversation_of(key)
        if removed is not None and conversation is not None and not conversation.records:
            yield from self.inner.delete(key, Delete())
        return removed


class PutAppendsTwice(BrokenBackend):
    """Appends the message again if the conversation has its id."""

    def put(self, key: str, write: Put) -> Plan[Conversations, None]:
        yield from self.inner.append(key, Append([write.record._replace(id=f"{time.time()}")]))


class PutMovesMessages(BrokenBackend):
    """Removes the message and appends it, instead of replacing it in place."""

    def put(self, key: str, write: Put) -> Plan[Conversations, None]:
        return self.inner.put(key, replace(write, moves_to_end=True))


class PutInTwoSteps(BrokenBackend):
    """Removes the message, and inserts it in another step."""

    def put(self, key: str, write: Put) -> Plan[Conversations, None]:
        conversation = self.conversation_of(key)
        index = None if conversation is None else conversation.index_of(write.record.id)
        if conversation is not None and index is not None:
            yield from call(lambda _: conversation.remove(index))
            yield from call(lambda _: conversation.insert(index, write.record))
        else:
            yield from self.inner.put(key, write)


class TruncateLeavesHalf(BrokenBackend):
    """Removes the messages in two steps; a crash in between leaves half of them."""

    def truncate(self, key: str, write: Truncate) -> Plan[Conversations, int]:
        conversation = self.conversation_of(key)
        index = None if conversation is None else conversation.index_of(write.from_id)
        if conversation is None or index is None or write.expected_revision is not None:
            return (yield from self.inner.truncate(key, write))
        middle = (index + len(conversation.records)) // 2
        name = conversation.ids[conversation.records[middle].position]
        count = yield from self.inner.truncate(key, Truncate(name))
        if middle > index:
            count += yield from self.inner.truncate(key, write)
        return count


class TruncatesAHundred(BrokenBackend):
    """Removes as many messages as fit into one transaction."""

    def truncate(self, key: str, write: Truncate) -> Plan[Conversations, int]:
        conversation = self.conversation_of(key)
        index = None if conversation is None else conversation.index_of(write.from_id)
        if conversation is None or index is None:
            return (yield from self.inner.truncate(key, write))
        count = min(100, len(conversation.records) - index)
        for _ in range(count):
            yield from self.inner.remove(key, Remove(index, lambda _: None))
        return count


class ForksShareState(BrokenBackend):
    """Lets a fork and its source use the same records."""

    def create(self, key: str, write: Create) -> Plan[Conversations, StoredConversation | None]:
        created = yield from self.inner.create(key, write)
        if created is not None and write.records:
            source = self.by_key[json.loads(write.record.metadata or "{}")["forked_from"]]
            fork = self.by_key[key]
            fork.records, fork.bodies = source.records, source.bodies
            fork.ids, fork.positions = source.ids, source.positions
        return created


class ForksMessageByMessage(BrokenBackend):
    """Creates a conversation, and appends the messages of its source in further steps."""

    def create(self, key: str, write: Create) -> Plan[Conversations, StoredConversation | None]:
        created = yield from self.inner.create(key, Create(write.record))
        for record in write.records if created is not None else ():
            yield from self.inner.append(key, Append([record]))
        return None if created is None else self.by_key[key].stored()


class ReadsTwoMoments(UnlockedBackend):
    """Reads the conversation and its messages one after the other."""

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        page = yield from self.inner.read_newest(key, read)
        if read.with_conversation:
            time.sleep(5 * _PAUSE)
            [stored] = self.inner.conversations.read_conversations([key])
            return page._replace(conversation=stored)
        return page


class ReadsMessagesForRecords(BrokenBackend):
    """Reads all messages of a conversation to read its record."""

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[Conversations, Sequence[StoredConversation | None]]:
        for key in keys:
            yield from self.inner.read_newest(key, Newest())
        return (yield from self.inner.read_conversations(keys))


_LISTS = "the list is not what exists"
_CRASHED = "test_interrupted_calls_keep_owners_lists_complete"
_PART = "took effect in part"

BROKEN = (
    BrokenStore(IndexesAfterwards, (_CRASHED,), "sync create", _LISTS),
    BrokenStore(IndexesAfterwards, (_CRASHED,), "async fork", _LISTS),
    BrokenStore(IndexesAfterwards, (_CRASHED,), "sync give to ann", _LISTS),
    BrokenStore(UnindexesTooEarly, (_CRASHED,), "sync delete", _LISTS),
    BrokenStore(UnindexesTooEarly, (_CRASHED,), "sync erase", _LISTS),
    BrokenStore(ForgetsToIndexForks, ("test_fork",), reason="given"),
    BrokenStore(ListsFormerConversations, ("test_changes_of_the_owner",), reason="'bob'"),
    BrokenStore(
        ListsByScanning, ("test_owners_list_costs_what_a_page_has",), "sync others", "requests"
    ),
    BrokenStore(ListsOldestFirst, ("test_newest_first",), reason="k4"),
    BrokenStore(
        AcceptsStaleRevisions, ("test_writes_conflict_with_another_revision",), reason="RAISE"
    ),
    BrokenStore(ChecksRevisionsTooEarly, ("test_one_writer_wins_a_revision",), reason="one writer"),
    BrokenStore(CountsRevisions, ("test_revisions_never_repeat",)),
    BrokenStore(OverwritesRecords, ("test_updates_at_once_all_take_effect",), reason="{"),
    BrokenStore(SetForgetsTheRecord, ("test_set_messages_keeps_the_record",)),
    BrokenStore(ForgetsEmptyConversations, ("test_created_without_anything",), reason="last mes"),
    BrokenStore(PutAppendsTwice, ("test_put_streams_an_answer",), reason="['a', 'b', '', 'The']"),
    BrokenStore(PutMovesMessages, ("test_put_keeps_the_place",)),
    BrokenStore(
        PutInTwoSteps, ("test_interrupted_writes_take_effect_as_a_whole",), "sync put", _PART
    ),
    BrokenStore(
        TruncateLeavesHalf,
        ("test_interrupted_writes_take_effect_as_a_whole",),
        "sync truncate",
        _PART,
    ),
    BrokenStore(TruncatesAHundred, ("test_truncate",), "sync 300"),
    BrokenStore(ForksShareState, ("test_a_fork_shares_nothing",)),
    BrokenStore(ForksMessageByMessage, ("test_interrupted_forks_appear_as_a_whole",), reason=_PART),
    BrokenStore(ReadsTwoMoments, ("test_snapshots_and_forks_are_of_one_moment",), reason="length"),
    BrokenStore(
        ReadsMessagesForRecords, ("test_cost_does_not_grow",), "once sync", "conversation: work"
    ),
)
