"""``ConditionalBackend``: a backend over the few primitives of a `Database`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from chatstore.conditional.abandoned import Observer
from chatstore.conditional.change import Change
from chatstore.conditional.commit import commit_of
from chatstore.conditional.context import Context
from chatstore.conditional.database import Database, HeadWrite
from chatstore.conditional.decisions import (
    Adding,
    Decide,
    Deleting,
    Edited,
    Removing,
    Replacing,
)
from chatstore.conditional.entries import Location
from chatstore.conditional.garbage import clean_up
from chatstore.conditional.head import Head, StoredHead, new_head
from chatstore.conditional.head_json import dump_head, load_head
from chatstore.conditional.lookup import newest, oldest
from chatstore.conditional.names import SEAL
from chatstore.conditional.reading import FirstMessages, read_head, read_page
from chatstore.conditional.retrying import RetryingDatabase
from chatstore.core import ChatStoreError, CorruptStoreError, StoreUnavailableError
from chatstore.core.backend import (
    Append,
    Backend,
    Existing,
    Insert,
    KeyPage,
    Page,
    Plan,
    Remove,
    Replace,
    Retryable,
    StoredRecord,
    check_patience,
    check_ttl,
)

C = TypeVar("C")
_MAX_REMEMBERED_HEADS = 1024
_FORGET_ATTEMPTS = 10  # to replace a damaged head


class ConditionalBackend(Backend[C]):
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
        self.database = database
        self._context = Context(
            RetryingDatabase(database, self._judge, check_patience(patience)),
            clock,
            check_ttl(ttl),
            check_patience(patience),
            self._judge,
            Observer(),
        )
        # The heads that this process saw last. They save reads; an outdated one does no harm.
        self._heads: dict[str, StoredHead] = {}
        self._first_messages = FirstMessages()

    @property
    def server(self) -> str:
        """See `Backend.server`."""
        return self.database.server

    # ------------------------------------------------------------------ writing

    def append(self, key: str, write: Append) -> Plan[C, list[Existing]]:
        """See `Backend.append`."""
        adding = Adding(self._context.database, key, write.records)
        return self._change(key, adding, extra=len(write.records))

    def insert(self, key: str, write: Insert) -> Plan[C, list[Existing]]:
        """See `Backend.insert`."""
        return self._change(key, Adding(self._context.database, key, [write.record], write.index))

    def replace(self, key: str, write: Replace) -> Plan[C, None]:
        """See `Backend.replace`."""
        replacing = Replacing(self._context.database, write.records)
        return self._change(key, replacing, extra=math.inf)

    def delete(self, key: str) -> Plan[C, None]:
        """See `Backend.delete`; this also works if the head is damaged."""
        try:
            self._heads.pop(key, None)
            yield from self._change(key, Deleting[C](), extra=math.inf)
        except CorruptStoreError:
            yield from self._replace_damaged_head(key)

    def remove(self, key: str, write: Remove) -> Plan[C, StoredRecord | None]:
        """See `Backend.remove`."""
        return self._change(key, Removing(self._context.database, key, write))

    def _change(self, key: str, decide: Decide[C], *, extra: float = 0) -> Plan[C, Any]:
        change = Change(self._context, key, decide)
        result, known = yield from change.run(self._heads.pop(key, None))
        if known is not None and known.head.has_leftovers:
            known = yield from self._clean_up(key, known, extra, change.request)
        if known is not None:
            self._heads[key] = known
            if len(self._heads) > _MAX_REMEMBERED_HEADS:
                self._heads.pop(next(iter(self._heads.copy())), None)
        return result

    def _clean_up(
        self, key: str, known: StoredHead, extra: float, request: str
    ) -> Plan[C, StoredHead | None]:
        try:
            return (yield from clean_up(self._context, key, known, extra=extra, request=request))
        except Exception as error:
            # The change took effect, so a later one cleans up.
            if not isinstance(error, ChatStoreError) and self.translate(error) is None:
                raise
            return None

    def _replace_damaged_head(self, key: str) -> Plan[C, None]:
        """Put a new, empty head in the place of a damaged or missing one."""
        database = self._context.database
        for _ in range(_FORGET_ATTEMPTS):
            stored = yield from database.read_head(key)
            seal = yield from database.read_records(key, [SEAL])
            head = self._context.lasting(new_head())
            version = None if stored is None else stored[1]
            write = HeadWrite(version, dump_head(head), deletes=list(seal), lifetime=head.lifetime)
            committed = yield from database.commit(key, write)
            if committed is not None:
                return
        raise StoreUnavailableError(
            f"{self.server}: other writers changed this conversation again and again"
        )

    def _judge(self, error: Exception, _: int) -> Retryable | None:
        """Return why a request without an answer may be repeated; ``None`` for other errors."""
        failure = error if isinstance(error, ChatStoreError) else self.translate(error)
        if isinstance(failure, StoreUnavailableError):
            return Retryable(str(failure).removeprefix(f"{self.server}: "))
        return None

    # ------------------------------------------------------------------ reading

    def count(self, key: str) -> Plan[C, int]:
        """See `Backend.count`."""
        stored = yield from read_head(self._context.database, key)
        if stored is None or stored.head.is_expired(self._context.clock()):
            return 0
        return stored.head.length

    def read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[C, Page]:
        """See `Backend.read_newest`."""
        database = self._context.database

        def pick(head: Head) -> Plan[C, tuple[list[Location], list[Location]]]:
            chosen = yield from newest(database, key, head, limit, before)
            first = (yield from oldest(database, key, head, leading, None)) if leading else []
            return chosen, first

        return read_page(database, key, self._context.clock, pick, self._first_messages)

    def read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[C, Page]:
        """See `Backend.read_oldest`."""
        database = self._context.database

        def pick(head: Head) -> Plan[C, tuple[list[Location], list[Location]]]:
            return (yield from oldest(database, key, head, limit, after)), []

        return read_page(database, key, self._context.clock, pick, self._first_messages)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[C, KeyPage]:
        """See `Backend.list_keys`."""
        stored, following = yield from self._context.database.list_heads(prefix, limit, cursor)
        now = self._context.clock()
        heads = ((key, load_head(text)) for key, text in stored if key.startswith(prefix))
        keys = [key for key, head in heads if head.entries and not head.is_expired(now)]
        return KeyPage(keys, following)

    # ------------------------------------------------------------------ purging

    def purge_expired(self) -> Plan[C, bool]:
        """Free the storage of expired conversations, and what killed writers left.

        The head of an expired conversation is deleted three days later. What a killed writer was
        staging is deleted when this process has seen it unchanged for ten minutes, or a week after
        any process saw it first.

        Raises:
            CorruptStoreError: The head of a conversation is damaged; the others were purged.

        """
        cursor = None
        damaged: CorruptStoreError | None = None
        while True:
            heads, cursor = yield from self._context.database.list_heads("", 1000, cursor)
            for key, text in heads:
                try:
                    head = load_head(text)
                    if head.has_leftovers or head.is_expired(self._context.clock()):
                        yield from self._purge_conversation(key)
                except CorruptStoreError as error:
                    damaged = error
            if cursor is None:
                break
        if damaged is not None:
            raise damaged
        return False

    def _purge_conversation(self, key: str) -> Plan[C, None]:
        context, database = self._context, self._context.database
        stored = yield from read_head(database, key)
        if stored is None:
            return
        head, version = stored
        if head.lifetime is not None and head.is_expired(context.clock()):
            yield from database.delete_head(key, version)
            return
        current = context.current(head)
        if current != head:
            if head.exists and not current.exists:
                current = context.lasting(current)
            commit = commit_of(head, Edited(current))
            write = HeadWrite(
                version, dump_head(current), commit.puts, commit.deletes, current.lifetime
            )
            committed = yield from database.commit(key, write)
            if committed is None:
                return  # another writer was faster, and does the same
            version = committed
        yield from clean_up(context, key, StoredHead(current, version), extra=math.inf)
