"""Stores that confuse the ids of messages, requests and epochs."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

from chatstore.core import codec
from chatstore.core.backend import (
    Append,
    Existing,
    Insert,
    Plan,
    Record,
    Replace,
)
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import (
    BrokenBackend,
    BrokenStore,
    CorrectStore,
    UnlockedBackend,
)


class DrawsIdsFromRandom(CorrectStore):
    """Takes ids from the global random generator, which programs seed."""

    def add_message(self, key: str, message: Any, idx: int | None = None, **options: Any) -> None:
        super().add_message(key, _with_random_id(message), idx, **options)

    def add_messages(self, key: str, messages: Any, **options: Any) -> None:
        super().add_messages(key, [*map(_with_random_id, messages)], **options)


class DrawsEpochsFromRandom(BrokenBackend):
    """Takes epochs from the global random generator."""

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        yield from self.inner.replace(key, write)
        self.by_key[key].epoch = random.getrandbits(64)


class DrawsRequestIds(BrokenBackend):
    """Takes request ids from the global random generator, and skips an append whose id is known."""

    seen: frozenset[int] = frozenset()

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        request = random.getrandbits(64)
        if request in self.seen:
            return []
        self.seen |= {request}
        return (yield from self.inner.append(key, write))


class RemembersTheLastIds(BrokenBackend):
    """Knows the ids of the newest 24 messages only."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        if conversation is not None:
            conversation.bodies = dict(list(conversation.bodies.items())[-24:])
        return self.inner.append(key, write)


class SharesIdsOfAllConversations(BrokenBackend):
    """Treats an id as known in every conversation once one has it."""

    ids: frozenset[str] = frozenset()

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        if all(record.id in self.ids for record in write.records):
            return []
        self.ids |= {record.id for record in write.records}
        return (yield from self.inner.append(key, write))


class DropsTheCallOfAnExistingId(BrokenBackend):
    """Skips the whole call if one of its ids exists."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        if conversation is not None and conversation.existing(write.records):
            return []
        return (yield from self.inner.append(key, write))


class OverwritesExistingIds(BrokenBackend):
    """Replaces the content of a message whose id exists."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        for index, record in enumerate(conversation.records if conversation else []):
            for new in write.records:
                if conversation is not None and conversation.ids.get(record.position) == new.id:
                    conversation.records[index] = record._replace(body=new.body)
                    conversation.bodies[new.id] = new.body
        return self.inner.append(key, write)


class InsertsExistingIdsAgain(BrokenBackend):
    """Checks ids when it appends, but not when it inserts."""

    def insert(self, key: str, write: Insert) -> Plan[Conversations, list[Existing]]:
        return self.inner.insert(key, replace(write, record=_with_new_id(write.record)))


class RacesForIds(UnlockedBackend):
    """Checks ids first and writes later."""

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        conversation = self.conversation_of(key)
        existing = conversation.existing(write.records) if conversation is not None else []
        if existing:
            return existing
        time.sleep(0.05)
        return (yield from self.inner.append(key, Append([*map(_with_new_id, write.records)])))


def _with_new_id(record: Record) -> Record:
    return Record(codec.new_id(), record.body)


def _with_random_id(message: Any) -> Any:
    return message if message.id else message.model_copy(update={"id": f"{random.getrandbits(64)}"})


BROKEN = (
    BrokenStore(DrawsIdsFromRandom, ("test_programs_that_seed_lose_nothing",)),
    BrokenStore(DrawsEpochsFromRandom, ("test_epochs_of_seeding_programs_differ",)),
    BrokenStore(DrawsRequestIds, ("test_programs_that_seed_lose_nothing",)),
    BrokenStore(RemembersTheLastIds, ("test_ids_are_known_after_many_other_writes",)),
    BrokenStore(SharesIdsOfAllConversations, ("test_ids_are_of_their_conversation",)),
    BrokenStore(DropsTheCallOfAnExistingId, ("test_held_ids_are_dropped_and_the_rest_appended",)),
    BrokenStore(OverwritesExistingIds, ("test_conflict_changes_nothing",), "None sync"),
    BrokenStore(InsertsExistingIdsAgain, ("test_same_id_again_is_a_no_op",)),
    BrokenStore(RacesForIds, ("test_racing_retries_take_effect_once",)),
)
