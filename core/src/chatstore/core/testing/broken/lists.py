"""Stores that count, order, list or expire wrongly."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from chatstore.core import ChatMessage, codec
from chatstore.core.backend import Existing, KeyPage, Page, Plan, Record, StoredRecord, run
from chatstore.core.testing.broken.base import BrokenStore, SoundStore, T


class RemovesTheOldest(SoundStore):
    """Removes the first message where the last one is meant."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        return super()._remove(key, 0 if index == -1 else index, force=force)


class ReturnsTheNewest(SoundStore):
    """Returns the newest message, whichever was removed."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        found = yield from self._find(key)
        newest = list.__getitem__(found.records, -1) if found else None
        removed = yield from super()._remove(key, index, force=force)
        return None if removed is None else newest


class ClampsIndexes(SoundStore):
    """Removes the last message where an index is beyond it."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        found = yield from self._find(key)
        most = len(found.records) - 1 if found else 0
        return (yield from super()._remove(key, min(index, most), force=force))


class RemovesTwiceAtOnce(SoundStore):
    """Gives one message to two that remove at the same time."""

    def _execute(self, plan: Plan[T]) -> T:
        return run(plan, self._conversations)

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        found = yield from self._find(key)
        if found is None or not -len(found.records) <= index < len(found.records):
            return None
        record: StoredRecord = list.__getitem__(found.records, index)
        time.sleep(0.002)
        if record in found.records:
            yield from super()._remove(key, found.records.index(record), force=force)
        return record


class ReadsOneTooMany(SoundStore):
    """Returns one message more than the newest that were asked for."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        most = None if limit is None else limit + 1
        return super()._read_newest(key, most, before=before, leading=leading)


class CountsStale(SoundStore):
    """Counts appends, and forgets inserts."""

    def _count(self, key: str) -> Plan[int]:
        return self._conversation_count(key)

    def _conversation_count(self, key: str) -> Plan[int]:
        found = yield from self._find(key)
        inserted = getattr(found, "inserted", 0)
        return 0 if found is None else len(found.records) - inserted

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        held = yield from super()._insert(key, index, record)
        conversation: Any = self._conversations[key]
        conversation.inserted = getattr(conversation, "inserted", 0) + 1
        return held


class CountsExpired(SoundStore):
    """Counts what is expired and not yet reclaimed."""

    def _count(self, key: str) -> Plan[int]:
        found = self._conversations.get(key)
        yield from super()._find("")
        return 0 if found is None else len(found.records)


class ListsExpired(SoundStore):
    """Lists what is expired and not yet reclaimed."""

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        yield from super()._list_keys(prefix, limit, cursor)
        return KeyPage([key for key in self._conversations if key.startswith(prefix)], None)


class RenewsOnReads(SoundStore):
    """Takes a read for a write: what is read never expires."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        page = yield from super()._read_newest(key, limit, before=before, leading=leading)
        found = yield from self._find(key)
        if found is not None and self._ttl is not None:
            found.expires_at = self._clock() + self._ttl
        return page


class LowersKeys(SoundStore):
    """Compares keys without case, as some collations do."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        return super()._append(key.lower(), records)


class StripsKeys(SoundStore):
    """Compares keys without the blanks at their ends."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        return super()._append(key.strip() or key, records)


class NormalizesKeys(SoundStore):
    """Compares keys by what they look like."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        return super()._append(unicodedata.normalize("NFC", key), records)


class CutsKeys(SoundStore):
    """Keeps the first 254 bytes of a key."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        return super()._append(key.encode()[:254].decode(errors="ignore"), records)


class SkipsAKeyBetweenPages(SoundStore):
    """Loses the first key of each further page."""

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        page = yield from super()._list_keys(prefix, limit, cursor)
        return page if cursor is None else KeyPage(page.keys[1:], page.cursor)


class RepeatsKeysOnPages(SoundStore):
    """Begins each further page with the last key of the page before."""

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        page = yield from super()._list_keys(prefix, limit, cursor)
        return page if cursor is None else KeyPage([cursor, *page.keys], page.cursor)


class DropsEqualMessages(SoundStore):
    """Takes a message with the content of the one before for a repetition."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        if found is not None:
            newest = list.__getitem__(found.records, -1).body
            if codec.decode(key, 0, newest) == codec.decode(key, 0, records[0].body):
                return []
        return (yield from super()._append(key, records))


class AppendsUpToTheConflict(SoundStore):
    """Writes what comes before the message that conflicts."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        if found is not None and found.held(records):
            first = next(n for n, r in enumerate(records) if r.id in found.bodies)
            held: list[Existing] = found.held(records)
            if first:
                yield from super()._append(key, records[:first])
            return held
        return (yield from super()._append(key, records))


class CutsLongMessages(SoundStore):
    """Keeps a megabyte of a message."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        cut = [Record(r.id, r.body[: 2**20] + r.body[2**20 :][-40:]) for r in records]
        return super()._append(key, cut)


class StopsHalfWay(SoundStore):
    """Appends a batch message by message in async methods: a cancelled call leaves half."""

    async def async_add_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        for message in messages:
            await self.async_add_message(key, message)
            await asyncio.sleep(0)


class SetsWhatIsNew(SoundStore):
    """Keeps the old messages whose places a replacement does not fill."""

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        found = yield from self._find(key)
        rest = list(found.records)[len(records) :] if found else []
        ids = [found.ids[record.position] for record in rest] if found else []
        yield from super()._replace(key, records)
        if rest:
            self._conversations[key].extend(
                [Record(i, r.body) for i, r in zip(ids, rest, strict=True)]
            )


class MakesEmptyConversations(SoundStore):
    """Makes a conversation for an append of nothing."""

    def _appending(self, key: str, records: Sequence[Record]) -> Plan[None]:
        yield from self._append(key, records)

    def _written(self, key: str, conversation: Any) -> Plan[None]:
        yield from super()._written(key, conversation)
        self._conversations.setdefault(key, conversation)


class RefusesOtherLoops(SoundStore):
    """Belongs to the event loop that used it first."""

    _loop: Any = None

    async def _async_execute(self, plan: Plan[T]) -> T:
        self._loop = self._loop or asyncio.get_running_loop()
        if self._loop is not asyncio.get_running_loop():
            plan.close()
            raise RuntimeError("attached to a different loop")
        return await super()._async_execute(plan)


BROKEN = (
    BrokenStore(RemovesTheOldest, ("test_delete_last_until_empty",)),
    BrokenStore(ReturnsTheNewest, ("test_delete_by_index",)),
    BrokenStore(ClampsIndexes, ("test_delete_where_none_is",)),
    BrokenStore(RemovesTwiceAtOnce, ("test_delete_last_returns_each_once",)),
    BrokenStore(ReadsOneTooMany, ("test_last",)),
    BrokenStore(CountsStale, ("test_insert_is_list_insert",)),
    BrokenStore(CountsExpired, ("test_expired_is_gone_from_every_method",)),
    BrokenStore(ListsExpired, ("test_expired_is_gone_from_every_method",)),
    BrokenStore(RenewsOnReads, ("test_reads_do_not_renew",)),
    BrokenStore(LowersKeys, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(StripsKeys, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(NormalizesKeys, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(CutsKeys, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(SkipsAKeyBetweenPages, ("test_iterates_over_keys",)),
    BrokenStore(RepeatsKeysOnPages, ("test_iterates_over_keys",)),
    BrokenStore(DropsEqualMessages, ("test_equal_messages_are_all_kept",)),
    BrokenStore(AppendsUpToTheConflict, ("test_one_conflict_refuses_all",)),
    BrokenStore(CutsLongMessages, ("test_message_of_5_mib",)),
    BrokenStore(StopsHalfWay, ("test_cancelled_call_is_whole_or_none",), ""),
    BrokenStore(SetsWhatIsNew, ("test_set_replaces",)),
    BrokenStore(MakesEmptyConversations, ("test_add_of_nothing_makes_no_conversation",)),
    BrokenStore(
        RefusesOtherLoops, ("test_loops_one_after_another",), "", "unexpected RuntimeError"
    ),
)
