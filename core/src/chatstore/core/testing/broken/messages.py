"""Stores that lose, change, share or double messages."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from chatstore.core import SimpleChatStore, codec
from chatstore.core.backend import Existing, KeyPage, Page, Plan, Record, StoredRecord, run
from chatstore.core.errors import CorruptMessageError, MessageConflictError
from chatstore.core.messages import ChatMessage
from chatstore.core.testing.broken.base import BrokenStore

T = TypeVar("T")
_PAUSE = 0.002  # seconds in which another thread gets its turn


class ReversedAfterDelete(SimpleChatStore):
    """Rebuilds the list from its end after a removal."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        removed = yield from super()._remove(key, index, force=force)
        if key in self._conversations:
            self._conversations[key].records.reverse()
        return removed


class SetAppends(SimpleChatStore):
    """Inserts the new conversation and forgets to delete the old one."""

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        yield from self._append(key, records)


class LosesUpdates(SimpleChatStore):
    """Reads, changes and writes back without a lock."""

    def _execute(self, plan: Plan[T]) -> T:
        return run(plan, self._conversations)

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        found = yield from self._find(key)
        before = list(found.records) if found else []
        time.sleep(_PAUSE)
        held = yield from super()._append(key, records)
        if not held:
            conversation = self._conversations[key]
            conversation.records = before + conversation.records[-len(records) :]
        return held


class ShowsHalfABatch(SimpleChatStore):
    """Appends a batch message by message."""

    def add_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        for message in messages:
            self.add_message(key, message)
            time.sleep(_PAUSE)


class ShowsHalfASet(SimpleChatStore):
    """Deletes, then appends message by message."""

    def set_messages(self, key: str, messages: Iterable[ChatMessage]) -> None:
        self.delete_messages(key)
        time.sleep(10 * _PAUSE)
        for message in messages:
            self.add_message(key, message)


class SharesAPartition(SimpleChatStore):
    """Takes a character of the key for a separator."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        return super()._append(key.split("#", maxsplit=1)[0] or key, records)

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        return super()._read_newest(
            key.split("#", maxsplit=1)[0] or key, limit, before=before, leading=leading
        )


class SwallowsErrors(SimpleChatStore):
    """Returns an empty conversation when something goes wrong."""

    def _plan_get(self, key: str, last: int | None) -> Plan[list[ChatMessage]]:
        try:
            return (yield from super()._plan_get(key, last))
        except CorruptMessageError:
            return []


class SkipsCorruptRecords(SimpleChatStore):
    """Leaves out what it cannot read."""

    def _plan_get(self, key: str, last: int | None) -> Plan[list[ChatMessage]]:
        page = yield from self._read_newest(key, last)
        messages = []
        for record in page.records:
            try:
                messages.append(codec.decode(key, record.position, record.body))
            except CorruptMessageError:
                continue
        return messages


class DeletesCorruptRecords(SimpleChatStore):
    """Removes first and reads then."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        found = yield from self._find(key)
        if found is None or not -len(found.records) <= index < len(found.records):
            return None
        record = found.records.pop(index)
        yield from self._written(key, found)
        return record


class TakesPrefixesForPatterns(SimpleChatStore):
    """Hands the prefix to a pattern match."""

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        page = yield from super()._list_keys("", limit, cursor)
        keys = [key for key in page.keys if fnmatch.fnmatchcase(key, prefix + "*")]
        return KeyPage(keys, page.cursor)


class ListsKeysThatAreGone(SimpleChatStore):
    """Never forgets a key."""

    _ever: frozenset[str] = frozenset()

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        self._ever |= {key}
        return super()._append(key, records)

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        yield from super()._list_keys(prefix, limit, cursor)
        return KeyPage(sorted(key for key in self._ever if key.startswith(prefix)), None)


class DropsNul(SimpleChatStore):
    """Takes out what its database does not like."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        cleaned = [Record(r.id, r.body.replace("\\u0000", "")) for r in records]
        return super()._append(key, cleaned)


class TakesNoneForEmpty(SimpleChatStore):
    """Stores no content as empty content."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        changed = [Record(r.id, r.body.replace('"content":null', '"content":""')) for r in records]
        return super()._append(key, changed)


class ForgetsToAwait(SimpleChatStore):
    """Makes a coroutine's plan and never runs it."""

    async def async_add_message(
        self, key: str, message: ChatMessage, idx: int | None = None
    ) -> None:
        self._plan_add(key, message, idx)


class IgnoresNegativeIndexes(SimpleChatStore):
    """Takes every index for one from the start."""

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        return super()._remove(key, abs(index), force=force)


class InsertsBehind(SimpleChatStore):
    """Inserts after the index instead of before it."""

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        return super()._insert(key, index + 1, record)


class IgnoresTtl(SimpleChatStore):
    """Keeps what has expired until somebody cleans up."""

    def __init__(self, **options: Any) -> None:
        """Drop the ttl."""
        super().__init__(**{**options, "ttl": None})


class ExpiresFromTheFirstWrite(SimpleChatStore):
    """Sets the expiry once and does not renew it."""

    def _written(self, key: str, conversation: Any) -> Plan[None]:
        first = conversation.expires_at
        yield from super()._written(key, conversation)
        if first is not None:
            conversation.expires_at = first


class DoublesWhatIsSentAgain(SimpleChatStore):
    """Appends a message whose id it holds."""

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        yield from super()._append(key, [Record(codec.new_id(), record.body) for record in records])
        return []


class IgnoresConflicts(SimpleChatStore):
    """Says nothing when an id comes with other content."""

    def _plan_add(self, key: str, message: ChatMessage, idx: int | None) -> Plan[None]:
        try:
            yield from super()._plan_add(key, message, idx)
        except MessageConflictError:
            return


class OrdersByClock(SimpleChatStore):
    """Sorts by the time that the caller's clock gave."""

    def _plan_get(self, key: str, last: int | None) -> Plan[list[ChatMessage]]:
        messages = yield from super()._plan_get(key, last)
        return sorted(messages, key=lambda message: str(message.created_at))


class MixesGenerations(SimpleChatStore):
    """Lets an iterator go on in a conversation that was set meanwhile."""

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        page = yield from super()._read_oldest(key, limit, after=after)
        return page._replace(epoch=0)

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        page = yield from super()._read_newest(key, limit, before=before, leading=leading)
        return page._replace(epoch=0)


class AnswersAfterClosing(SimpleChatStore):
    """Does not notice that it was closed."""

    def close(self) -> None:
        """Do nothing."""

    async def async_close(self) -> None:
        """Do nothing."""


class ChangesTheCallersMessage(SimpleChatStore):
    """Writes the id that it gave into the message that it was given."""

    def _plan_add(self, key: str, message: ChatMessage, idx: int | None) -> Plan[None]:
        message.id = message.id or codec.new_id()
        return super()._plan_add(key, message, idx)


class ReturnsItsOwnObjects(SimpleChatStore):
    """Keeps the messages it has read, and hands them out again."""

    _read: tuple[list[str], list[ChatMessage]] = ([], [])

    def _plan_get(self, key: str, last: int | None) -> Plan[list[ChatMessage]]:
        page = yield from self._read_newest(key, last)
        bodies = [record.body for record in page.records]
        if bodies != self._read[0]:
            self._read = (bodies, codec.decode_all(key, page.records))
        return list(self._read[1])


class KeepsAThousand(SimpleChatStore):
    """Has a limit that nobody was told of."""

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        most = min(1000, 1000 if limit is None else limit)
        return super()._read_newest(key, most, before=before, leading=leading)


BROKEN = (
    BrokenStore(ReversedAfterDelete, ("test_delete_by_index",)),
    BrokenStore(SetAppends, ("test_set_replaces",)),
    BrokenStore(LosesUpdates, ("test_eight_writers_lose_nothing",)),
    BrokenStore(ShowsHalfABatch, ("test_groups_stay_adjacent",)),
    BrokenStore(ShowsHalfASet, ("test_readers_see_old_or_new",)),
    BrokenStore(SharesAPartition, ("test_keys_that_hurt_are_isolated",)),
    BrokenStore(SwallowsErrors, ("test_corrupt_record_raises_from_reads",)),
    BrokenStore(SkipsCorruptRecords, ("test_corrupt_record_raises_from_reads",)),
    BrokenStore(DeletesCorruptRecords, ("test_corrupt_record_is_not_deleted_by_removing",)),
    BrokenStore(TakesPrefixesForPatterns, ("test_prefix_is_literal",)),
    BrokenStore(ListsKeysThatAreGone, ("test_delete_last_until_empty",)),
    BrokenStore(DropsNul, ("test_content_comes_back",)),
    BrokenStore(TakesNoneForEmpty, ("test_content_comes_back",)),
    BrokenStore(ForgetsToAwait, ("test_created_at_does_not_decide_the_order",), "async"),
    BrokenStore(IgnoresNegativeIndexes, ("test_delete_by_index",)),
    BrokenStore(InsertsBehind, ("test_insert_is_list_insert",)),
    BrokenStore(IgnoresTtl, ("test_expired_is_gone_from_every_method",)),
    BrokenStore(ExpiresFromTheFirstWrite, ("test_a_write_renews_the_whole_conversation",)),
    BrokenStore(DoublesWhatIsSentAgain, ("test_same_id_again_is_a_no_op",)),
    BrokenStore(IgnoresConflicts, ("test_conflict_changes_nothing",)),
    BrokenStore(OrdersByClock, ("test_created_at_does_not_decide_the_order",)),
    BrokenStore(MixesGenerations, ("test_set_during_iteration_raises",)),
    BrokenStore(AnswersAfterClosing, ("test_closed_store_raises",)),
    BrokenStore(ChangesTheCallersMessage, ("test_callers_message_is_not_changed",)),
    BrokenStore(ReturnsItsOwnObjects, ("test_returned_messages_are_copies",)),
    BrokenStore(KeepsAThousand, ("test_two_thousand_messages",)),
)
