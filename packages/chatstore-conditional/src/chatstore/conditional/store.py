"""``RecordsChatStore``: the hooks of a store, over a database's few primitives."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from chatstore.conditional.changes import Decide, Edited, commit_of
from chatstore.conditional.committing import Change
from chatstore.conditional.context import Context, Known
from chatstore.conditional.database import Database
from chatstore.conditional.deciding import Adding, Deleting, Removing, Replacing
from chatstore.conditional.entries import Place
from chatstore.conditional.head import Head, load, new_head
from chatstore.conditional.names import SEAL
from chatstore.conditional.observing import Observer
from chatstore.conditional.reading import FirstRecords, newest, oldest, read_head, read_page
from chatstore.conditional.retrying import RetryingDatabase
from chatstore.conditional.tidying import tidy
from chatstore.core import ChatStore, ChatStoreError, CorruptStoreError, StoreUnavailableError
from chatstore.core.backend import Existing, KeyPage, Page, Plan, Record, StoredRecord, check_ttl

_REMEMBERED_HEADS = 1024
_ATTEMPTS = 10  # to forget a conversation whose head is damaged


class RecordsChatStore(ChatStore):
    """Keeps conversations in a database that writes several items on a condition.

    A subclass runs the plans; the database is of plans itself.
    """

    patience = 30.0
    """Seconds for which a change is tried again when others were faster."""

    def __init__(
        self,
        database: Database,
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a database.

        Args:
            database: The primitives.
            ttl: Seconds after its last write after which a conversation is gone.
            clock: Returns the time in seconds since 1970; decides what has expired.

        """
        self._database = RetryingDatabase(database, self._is_doubtful, self.patience)
        self._ttl = check_ttl(ttl)
        self._clock = clock
        self._observer = Observer()
        # What a writer saw last: it saves reading the head, and a wrong one does no harm.
        self._heads: dict[str, Known] = {}
        self._first = FirstRecords()

    def purge_expired(self) -> None:
        """Reclaim the storage of expired conversations, and what killed writers left.

        A write does the same for its own conversation. An expired conversation's head goes three
        days later. What a killed writer was staging goes when this process has seen it unchanged
        for ten minutes, or a week after any process saw it first.

        Raises:
            CorruptStoreError: The head of a conversation is damaged; the others were purged.

        """
        self._run(self._purge(), "purge_expired")

    async def async_purge_expired(self) -> None:
        """Like `purge_expired`, but awaitable."""
        await self._async_run(self._purge(), "purge_expired")

    # ------------------------------------------------------------------ writing

    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Existing]]:
        adding = Adding(self._database, key, records)
        held: list[Existing] = yield from self._change(key, adding, extra=len(records))
        return held

    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Existing]]:
        adding = Adding(self._database, key, [record], index)
        held: list[Existing] = yield from self._change(key, adding)
        return held

    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        yield from self._change(key, Replacing(self._database, records), extra=math.inf)

    def _delete(self, key: str) -> Plan[None]:
        try:
            yield from self._change(key, Deleting(), extra=math.inf, hinted=False)
        except CorruptStoreError:
            yield from self._forget(key)

    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        removing = Removing(self._database, key, index, force=force)
        removed: StoredRecord | None = yield from self._change(key, removing)
        return removed

    def _change(
        self, key: str, decide: Decide, *, extra: float = 0, hinted: bool = True
    ) -> Plan[Any]:
        context = self._context()
        change = Change(context, key, decide)
        hint = self._heads.pop(key, None)
        result, known = yield from change.run(hint if hinted else None)
        if known is not None:
            try:
                known = yield from tidy(context, key, known, extra=extra, owner=change.request)
            except Exception as error:
                if not self._is_any_error(error):  # the change took effect: a later one tidies
                    raise
                known = None
        if known is not None:
            self._heads[key] = known
            if len(self._heads) > _REMEMBERED_HEADS:
                self._heads.pop(next(iter(self._heads.copy())), None)
        return result

    def _context(self) -> Context:
        return Context(
            self._database,
            self._clock,
            self._ttl,
            self.patience,
            self._is_doubtful,
            self._observer,
        )

    def _forget(self, key: str) -> Plan[None]:
        """Put a new head in the place of one that is damaged or missing."""
        for _ in range(_ATTEMPTS):
            found = yield from self._database.read_head(key)
            seal = yield from self._database.read_records(key, [SEAL])
            head = self._context().lasting(new_head())
            version = None if found is None else found[1]
            committed = yield from self._database.commit(
                key, version, head.dump(), {}, list(seal), head.lifetime
            )
            if committed is not None:
                return
        raise StoreUnavailableError("others wrote to this conversation again and again")

    def _is_doubtful(self, error: Exception) -> bool:
        ours = error if isinstance(error, ChatStoreError) else self._translate(error)
        return isinstance(ours, StoreUnavailableError)

    def _is_any_error(self, error: Exception) -> bool:
        return isinstance(error, ChatStoreError) or self._translate(error) is not None

    # ------------------------------------------------------------------ reading

    def _count(self, key: str) -> Plan[int]:
        head, _ = yield from read_head(self._database, key)
        return 0 if head is None or head.is_expired(self._clock()) else head.length

    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        def pick(head: Head) -> Plan[tuple[list[Place], list[Place]]]:
            chosen = yield from newest(self._database, key, head, limit, before)
            first = yield from oldest(self._database, key, head, leading, None)
            return chosen, first

        return read_page(self._database, key, self._clock, pick, self._first)

    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        def pick(head: Head) -> Plan[tuple[list[Place], list[Place]]]:
            return (yield from oldest(self._database, key, head, limit, after)), []

        return read_page(self._database, key, self._clock, pick, self._first)

    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        heads, following = yield from self._database.list_heads(prefix, limit, cursor)
        now = self._clock()
        found = ((key, load(text)) for key, text in heads if key.startswith(prefix))
        keys = [key for key, head in found if head.entries and not head.is_expired(now)]
        return KeyPage(keys, following)

    # ------------------------------------------------------------------ purging

    def _purge(self) -> Plan[None]:
        cursor = None
        damaged: CorruptStoreError | None = None
        while True:
            heads, cursor = yield from self._database.list_heads("", 1000, cursor)
            for key, text in heads:
                try:
                    head = load(text)
                    others = head.garbage or head.stagings or head.unmarked
                    if others or head.is_expired(self._clock()):
                        yield from self._purge_one(key)
                except CorruptStoreError as error:
                    damaged = error
            if cursor is None:
                break
        if damaged is not None:
            raise damaged

    def _purge_one(self, key: str) -> Plan[None]:
        context = self._context()
        head, version = yield from read_head(self._database, key)
        if head is None or version is None:
            return
        if head.lifetime is not None and head.is_expired(self._clock()):
            yield from self._database.delete_head(key, version)
            return
        current = context.current(head)
        if current != head:
            if head.entries and not current.entries:
                current = context.lasting(current)
            commit = commit_of(head, Edited(current))
            version = yield from self._database.commit(
                key, version, current.dump(), commit.puts, commit.deletes, current.lifetime
            )
            if version is None:
                return  # others write: they do the same
        yield from tidy(context, key, (current, version), extra=math.inf)
