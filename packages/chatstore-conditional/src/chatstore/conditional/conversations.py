"""``Conversations``: a backend over the few primitives of a `Database`, without lists of owners."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chatstore.conditional.abandoned import Observer
from chatstore.conditional.adding import Adding, Creating, Putting, Replacing
from chatstore.conditional.change import Change, Outcome
from chatstore.conditional.commit import head_write
from chatstore.conditional.context import Context
from chatstore.conditional.database import Database
from chatstore.conditional.decisions import Decide
from chatstore.conditional.details import conversation_of, stored_conversation
from chatstore.conditional.entries import Location
from chatstore.conditional.garbage import clean_up
from chatstore.conditional.head import StoredHead, new_head
from chatstore.conditional.head_json import load_head
from chatstore.conditional.id_markers import locate_id
from chatstore.conditional.lookup import OutdatedError, View, newest, oldest
from chatstore.conditional.names import SEAL
from chatstore.conditional.reading import (
    ATTEMPTS,
    FirstMessages,
    changing,
    confirm_missing,
    read_head,
    read_page,
)
from chatstore.conditional.removing import Deleting, Removing, Truncating
from chatstore.conditional.retrying import RetryingDatabase
from chatstore.conditional.updating import Updating
from chatstore.core import ChatStoreError, CorruptStoreError, StoreUnavailableError
from chatstore.core.backend import (
    Append,
    Backend,
    ConversationRecord,
    Create,
    Delete,
    Existing,
    Insert,
    KeyPage,
    Newest,
    Oldest,
    Page,
    Plan,
    Put,
    Remove,
    Replace,
    Retryable,
    StoredConversation,
    StoredRecord,
    Truncate,
    Update,
    check_patience,
    check_ttl,
)

C = TypeVar("C")
T = TypeVar("T")
_MAX_REMEMBERED_HEADS = 1024
_FORGET_ATTEMPTS = 10  # to replace a damaged head


class Conversations(Backend[C]):
    """Keeps conversations in a database that can write several items on a condition.

    Attributes:
        database: The database.

    """

    def __init__(
        self,
        database: Database[C],
        *,
        ttl: float | None,
        patience: float,
        clock: Callable[[], float],
    ) -> None:
        """Take a database; see `ConditionalBackend` for the options."""
        self.database = database
        # In one commit, in which a message may have a marker besides its record.
        self.max_combined_records = database.limits.operations // 3
        self.context = Context(
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
        adding = Adding(
            self.context.database, key, write.records, expected_revision=write.expected_revision
        )
        return self._change(key, adding, extra=len(write.records))

    def insert(self, key: str, write: Insert) -> Plan[C, list[Existing]]:
        """See `Backend.insert`."""
        adding = Adding(
            self.context.database, key, [write.record], write.index, write.expected_revision
        )
        return self._change(key, adding)

    def put(self, key: str, write: Put) -> Plan[C, None]:
        """See `Backend.put`."""
        return self._change(key, Putting(self.context.database, key, write))

    def replace(self, key: str, write: Replace) -> Plan[C, None]:
        """See `Backend.replace`."""
        replacing = Replacing(self.context.database, write)
        return self._change(key, replacing, extra=math.inf)

    def remove(self, key: str, write: Remove) -> Plan[C, StoredRecord | None]:
        """See `Backend.remove`."""
        return self._change(key, Removing(self.context.database, key, write))

    def truncate(self, key: str, write: Truncate) -> Plan[C, int]:
        """See `Backend.truncate`."""
        truncating = Truncating(self.context.database, key, write)
        return self._change(key, truncating, extra=math.inf)

    def create(self, key: str, write: Create) -> Plan[C, StoredConversation | None]:
        """See `Backend.create`."""
        creating = Creating(self.context.database, write)
        outcome = yield from self._changed(key, creating, extra=len(write.records))
        return _written(outcome, write.record)

    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """See `Backend.update`."""
        outcome = yield from self._changed(key, Updating(self.context.database, key, write))
        return _written(outcome, write.after)

    def delete(self, key: str, write: Delete) -> Plan[C, None]:
        """See `Backend.delete`; this also works if the head is damaged."""
        yield from self.forget(key, write)

    def forget(self, key: str, write: Delete) -> Plan[C, ConversationRecord | None]:
        """Delete a conversation and return its record, if it can be read."""
        self._heads.pop(key, None)
        try:
            outcome = yield from self._changed(key, Deleting[C](write), extra=math.inf)
        except CorruptStoreError:
            if write.expected_revision is not None:
                raise
            yield from self._replace_damaged_head(key)
            return None
        record: ConversationRecord | None = outcome.result
        return record

    def refresh(self, key: str, record: ConversationRecord) -> Plan[C, None]:
        """Refresh the entry of a conversation in its owner's list; here there is none."""
        del key, record
        yield from ()

    def _change(self, key: str, decide: Decide[C], *, extra: float = 0) -> Plan[C, Any]:
        return (yield from self._changed(key, decide, extra=extra)).result

    def _changed(self, key: str, decide: Decide[C], *, extra: float = 0) -> Plan[C, Outcome]:
        """Carry out a change, and what follows from it.

        Raises:
            RevisionConflictError: The conversation has changed.

        """
        change = Change(self.context, key, decide)
        outcome = yield from change.run(self._heads.pop(key, None))
        known = outcome.known
        if known is not None and known.head.has_leftovers:
            known = yield from self._ignoring(
                clean_up(self.context, key, known, extra=extra, request=change.request)
            )
        if known is not None:
            self._heads[key] = known
            if len(self._heads) > _MAX_REMEMBERED_HEADS:
                self._heads.pop(next(iter(self._heads.copy())), None)
        if outcome.error is not None:
            raise outcome.error
        if outcome.attempt is not None and outcome.attempt.is_refresh:
            yield from self._ignoring(self.refresh(key, outcome.attempt.commit.head.record))
        return outcome

    def _ignoring(self, plan: Plan[C, T | None]) -> Plan[C, T | None]:
        """Carry out what follows from a change that took effect; a later change repeats it."""
        try:
            return (yield from plan)
        except Exception as error:
            if not isinstance(error, ChatStoreError) and self.translate(error) is None:
                raise
            return None

    def _replace_damaged_head(self, key: str) -> Plan[C, None]:
        """Put a new, empty head in the place of a damaged or missing one."""
        database = self.context.database
        for _ in range(_FORGET_ATTEMPTS):
            stored = yield from database.read_head(key)
            seal = yield from database.read_records(key, [SEAL])
            head = self.context.lasting(new_head())
            version = None if stored is None else stored[1]
            write = head_write(version, head, deletes=list(seal))
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

    # ------------------------------------------------------------------ reading messages

    def count(self, key: str) -> Plan[C, int]:
        """See `Backend.count`."""
        stored = yield from read_head(self.context.database, key)
        if stored is None or stored.head.is_expired(self.context.clock()):
            return 0
        return stored.head.length

    def read_newest(self, key: str, read: Newest) -> Plan[C, Page]:
        """See `Backend.read_newest`."""
        database = self.context.database

        def pick(view: View) -> Plan[C, tuple[list[Location], list[Location]]]:
            head, leading = view.head, read.leading
            chosen = yield from newest(database, key, head, read.limit, read.before)
            first = (yield from oldest(database, key, head, leading, None)) if leading else []
            return chosen, first

        return read_page(
            database,
            key,
            self.context.clock,
            pick,
            self._first_messages,
            with_conversation=read.with_conversation,
        )

    def read_oldest(self, key: str, read: Oldest) -> Plan[C, Page]:
        """See `Backend.read_oldest`."""
        database = self.context.database

        def pick(view: View) -> Plan[C, tuple[list[Location], list[Location]]]:
            return (yield from oldest(database, key, view.head, read.limit, read.after)), []

        return read_page(database, key, self.context.clock, pick, self._first_messages)

    def find(self, key: str, message_id: str) -> Plan[C, Page]:
        """See `Backend.find`."""
        database = self.context.database

        def pick(view: View) -> Plan[C, tuple[list[Location], list[Location]]]:
            located = yield from locate_id(database, key, view, message_id)
            return ([] if located is None else [located.location]), []

        return read_page(database, key, self.context.clock, pick, self._first_messages)

    # ------------------------------------------------------------------ reading conversations

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[C, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`."""
        heads = (yield from self.context.database.read_heads(keys)) if keys else {}
        conversations = []
        for key in keys:
            if key in heads:
                text, version = heads[key]
                stored: StoredHead | None = StoredHead(load_head(text), version)
            else:
                stored = yield from confirm_missing(self.context.database, key)
            conversations.append((yield from self.conversation(key, stored)))
        return conversations

    def conversation(
        self, key: str, stored: StoredHead | None
    ) -> Plan[C, StoredConversation | None]:
        """Return a conversation with a head; if it is outdated, read it again."""
        database = self.context.database
        version: str | None = None
        for _ in range(ATTEMPTS):
            if stored is None or not stored.head.exists:
                return None
            if stored.head.is_expired(self.context.clock()):
                return None
            try:
                return (yield from stored_conversation(database, key, stored.head))
            except OutdatedError as outdated:
                if stored.version == version:
                    raise outdated.error from None
                version = stored.version
            stored = yield from read_head(database, key)
        raise changing(database)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[C, KeyPage]:
        """See `Backend.list_keys`."""
        stored, following = yield from self.context.database.list_heads(prefix, limit, cursor)
        now = self.context.clock()
        heads = ((key, load_head(text)) for key, text in stored if key.startswith(prefix))
        keys = [key for key, head in heads if head.exists and not head.is_expired(now)]
        return KeyPage(keys, following)


def _written(outcome: Outcome, record: ConversationRecord) -> StoredConversation | None:
    attempt = outcome.attempt
    return None if attempt is None else conversation_of(attempt.commit.head, record)
