"""Stores that confuse what identifies messages and calls."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from chatstore.core import codec
from chatstore.core.backend import Existing, Plan, Record
from chatstore.core.testing.broken.base import BrokenStore, SoundStore


class DrawsIdsFromRandom(SoundStore):
    """Gives ids from the global generator, which programs seed."""

    def _encode(self, messages: Any) -> list[Record]:
        named = [
            m if m.id else m.model_copy(update={"id": f"{random.getrandbits(64)}"})
            for m in messages
        ]
        return super()._encode(named)


class DrawsEpochsFromRandom(SoundStore):
    """Gives epochs from the global generator."""

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        yield from super()._replace(key, records)
        self._conversations[key].epoch = random.getrandbits(64)


class DrawsRequestIds(SoundStore):
    """Takes an append for a repetition of one with the same number from the global generator."""

    seen: frozenset[int] = frozenset()

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        request = random.getrandbits(64)
        if request in self.seen:
            return []
        self.seen |= {request}
        return (yield from super()._append(key, records))


class RemembersTheLastIds(SoundStore):
    """Knows the ids of the newest 24 messages only."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        if found is not None:
            found.bodies = dict(list(found.bodies.items())[-24:])
        return (yield from super()._append(key, records))


class SharesIdsOfAllConversations(SoundStore):
    """Holds an id for every conversation once one has it."""

    ids: frozenset[str] = frozenset()

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        if all(record.id in self.ids for record in records):
            return []
        self.ids |= {record.id for record in records}
        return (yield from super()._append(key, records))


class DropsTheCallOfAHeldId(SoundStore):
    """Skips the whole call if one of its ids is held."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        if found is not None and found.held(records):
            return []
        return (yield from super()._append(key, records))


class OverwritesHeldIds(SoundStore):
    """Takes the newer content of an id that is held."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        for place, record in enumerate(found.records if found else []):
            for new in records:
                if found.ids.get(record.position) == new.id:
                    found.records[place] = record._replace(body=new.body)
                    found.bodies[new.id] = new.body
        return (yield from super()._append(key, records))


class InsertsHeldIdsAgain(SoundStore):
    """Looks for ids when it appends, not when it inserts."""

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        return super()._insert(key, index, Record(codec.new_id(), record.body))


class RacesForIds(SoundStore):
    """Looks for ids first and writes later."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        held: list[Existing] = found.held(records) if found is not None else []
        if held:
            return held
        _pause()
        return (yield from super()._append(key, [Record(codec.new_id(), r.body) for r in records]))

    def _execute(self, plan: Plan[Any]) -> Any:
        from chatstore.core.backend import run

        return run(plan, self._conversations)


def _pause() -> None:
    import time

    time.sleep(0.01)


BROKEN = (
    BrokenStore(DrawsIdsFromRandom, ("test_programs_that_seed_lose_nothing",)),
    BrokenStore(DrawsEpochsFromRandom, ("test_epochs_of_seeding_programs_differ",)),
    BrokenStore(DrawsRequestIds, ("test_programs_that_seed_lose_nothing",)),
    BrokenStore(RemembersTheLastIds, ("test_ids_are_known_after_many_other_writes",)),
    BrokenStore(SharesIdsOfAllConversations, ("test_ids_are_of_their_conversation",)),
    BrokenStore(DropsTheCallOfAHeldId, ("test_held_ids_are_dropped_and_the_rest_appended",)),
    BrokenStore(OverwritesHeldIds, ("test_conflict_changes_nothing",), "None sync"),
    BrokenStore(InsertsHeldIdsAgain, ("test_same_id_again_is_a_no_op",)),
    BrokenStore(RacesForIds, ("test_racing_retries_take_effect_once",)),
)
