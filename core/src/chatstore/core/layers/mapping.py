"""``MappingBackend``: the base class of layers that change what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from chatstore.core.backend.conversations import (
    ConversationRecord,
    OwnedPage,
    StoredConversation,
)
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest, Oldest
from chatstore.core.backend.records import (
    Existing,
    KeyPage,
    Page,
    Record,
    RestoredRecords,
    StoredRecord,
    StoredRecords,
)
from chatstore.core.backend.wrapper import WrapperBackend
from chatstore.core.backend.writes import (
    Append,
    Create,
    Delete,
    Insert,
    Put,
    Remove,
    Replace,
    Truncate,
    Update,
)

C = TypeVar("C")
M = TypeVar("M")


class MappingBackend(WrapperBackend[C]):
    """Changes keys, owners, messages and records on their way to another backend, and back.

    A subclass overrides pairs of these functions; by default each returns its argument:

    - `stored_key`, `original_key`, and `stored_prefix`, for which a stored key must begin with the
      stored prefix wherever the key begins with the prefix;
    - `stored_owner`, `original_owner`;
    - `stored_message`, `original_body`; `original_body_of` also knows the message's id;
    - `stored_record`, `original_record`: conversation records, whose owners these change already.

    `stored_key` and `stored_owner` must always return the same for the same name. If a function
    raises a `ChatStoreError`, the call is refused, and if it was a ``stored_…``, nothing is sent.

    Attributes:
        restores_bodies: Whether bodies that were read are changed. Set it to ``False`` in a class
            that overrides neither `original_body` nor `original_bodies`: then reads are faster.

    """

    restores_bodies = True

    # ------------------------------------------------------------------ for subclasses

    def stored_key(self, key: str) -> str:
        """Return the key in the inner backend."""
        return key

    def original_key(self, key: str) -> str:
        """Return the key that `stored_key` was given."""
        return key

    def stored_prefix(self, prefix: str) -> str:
        """Return the beginning of the stored keys of all keys that begin with ``prefix``."""
        return prefix

    def stored_owner(self, owner: str) -> str:
        """Return the owner in the inner backend."""
        return owner

    def original_owner(self, owner: str) -> str:
        """Return the owner that `stored_owner` was given."""
        return owner

    def stored_message(self, key: str, record: Record) -> Record:  # noqa: ARG002 - for subclasses
        """Return the record to store for a message of the conversation ``key``, with its id."""
        return record

    def original_body(self, key: str, body: str) -> str:  # noqa: ARG002 - for subclasses
        """Return the body that `stored_message` was given, or what can be known of it."""
        return body

    def check_bodies(self, key: str, bodies: Sequence[str]) -> None:
        """Look at the stored bodies of a page, of which only some may be restored."""

    def original_bodies(self, key: str, bodies: Sequence[str]) -> list[str]:
        """Return the original bodies of messages that were read together.

        Override it, besides `original_body`, where several are restored faster than one by one.
        """
        return [self.original_body(key, body) for body in bodies]

    def original_body_of(
        self,
        key: str,
        message_id: str,  # noqa: ARG002 - for subclasses
        body: str,
    ) -> str:
        """Return the original body of a message that was read by its id."""
        return self.original_body(key, body)

    def original_existing(
        self,
        key: str,
        existing: Existing,
        record: Record | None,  # noqa: ARG002 - for subclasses
    ) -> str:
        """Return the original body of an existing message, for comparing it with ``record``.

        Override it if `original_body` cannot restore what `stored_message` was given.
        """
        return self.original_body_of(key, existing.id, existing.body)

    def stored_record(
        self,
        key: str,  # noqa: ARG002 - for subclasses
        record: ConversationRecord,
    ) -> ConversationRecord:
        """Return the conversation record to store; it outlasts messages if ``record`` does.

        ``index_entry`` belongs to the inner backend and must not be changed.
        """
        if record.owner is None:
            return record
        return record._replace(owner=self.stored_owner(record.owner))

    def original_record(
        self,
        key: str,  # noqa: ARG002 - for subclasses
        record: ConversationRecord,
    ) -> ConversationRecord:
        """Return the record that `stored_record` was given."""
        if record.owner is None:
            return record
        return record._replace(owner=self.original_owner(record.owner))

    def check_records(self, records: Sequence[ConversationRecord]) -> None:
        """Look at the stored conversation records of a page before they are restored."""

    # ------------------------------------------------------------------ writing messages

    def append(self, key: str, write: Append) -> Plan[C, list[Existing]]:
        """See `Backend.append`."""
        stored = [self.stored_message(key, record) for record in write.records]
        existing = yield from self.inner.append(
            self.stored_key(key), Append(stored, write.expected_revision)
        )
        return self._existing(key, existing, write.records)

    def insert(self, key: str, write: Insert) -> Plan[C, list[Existing]]:
        """See `Backend.insert`."""
        stored = self.stored_message(key, write.record)
        existing = yield from self.inner.insert(
            self.stored_key(key), Insert(write.index, stored, write.expected_revision)
        )
        return self._existing(key, existing, [write.record])

    def put(self, key: str, write: Put) -> Plan[C, None]:
        """See `Backend.put`."""
        stored = self.stored_message(key, write.record)
        put = Put(stored, write.moves_to_end, write.expected_revision)
        return self.inner.put(self.stored_key(key), put)

    def replace(self, key: str, write: Replace) -> Plan[C, None]:
        """See `Backend.replace`."""
        stored = [self.stored_message(key, record) for record in write.records]
        return self.inner.replace(self.stored_key(key), Replace(stored, write.expected_revision))

    def remove(self, key: str, write: Remove) -> Plan[C, StoredRecord | None]:
        """See `Backend.remove`."""

        def check(record: StoredRecord) -> None:
            write.check(self._original(key, record, write.target))

        removal = Remove(write.target, check, write.expected_revision)
        record = yield from self.inner.remove(self.stored_key(key), removal)
        return None if record is None else self._original(key, record, write.target)

    def truncate(self, key: str, write: Truncate) -> Plan[C, int]:
        """See `Backend.truncate`."""
        return self.inner.truncate(self.stored_key(key), write)

    # ------------------------------------------------------------------ writing conversations

    def create(self, key: str, write: Create) -> Plan[C, StoredConversation | None]:
        """See `Backend.create`."""
        records = [self.stored_message(key, record) for record in write.records]
        create = Create(self.stored_record(key, write.record), records)
        stored = yield from self.inner.create(self.stored_key(key), create)
        return None if stored is None else self._conversation(key, stored)

    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """See `Backend.update`."""
        inner_key = self.stored_key(key)
        [stored] = yield from self.inner.read_conversations([inner_key])
        # Read, not computed: storing the same record again may give another one.
        if stored is None or self._conversation(key, stored).record != write.before:
            return None
        after = self.stored_record(key, write.after)
        update = Update(stored.record, after, write.expected_revision)
        result = yield from self.inner.update(inner_key, update)
        return None if result is None else self._conversation(key, result)

    def delete(self, key: str, write: Delete) -> Plan[C, None]:
        """See `Backend.delete`."""
        return self.inner.delete(self.stored_key(key), write)

    # ------------------------------------------------------------------ reading

    def count(self, key: str) -> Plan[C, int]:
        """See `Backend.count`."""
        return self.inner.count(self.stored_key(key))

    def read_newest(self, key: str, read: Newest) -> Plan[C, Page]:
        """See `Backend.read_newest`."""
        return self._page(key, (yield from self.inner.read_newest(self.stored_key(key), read)))

    def read_oldest(self, key: str, read: Oldest) -> Plan[C, Page]:
        """See `Backend.read_oldest`."""
        return self._page(key, (yield from self.inner.read_oldest(self.stored_key(key), read)))

    def find(self, key: str, message_id: str) -> Plan[C, Page]:
        """See `Backend.find`."""
        page = yield from self.inner.find(self.stored_key(key), message_id)
        return page._replace(
            records=[self._original(key, record, message_id) for record in page.records]
        )

    def read_all(
        self, key: str, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[C, list[M]]:
        """See `Backend.read_all`."""

        def decode_stored(records: Sequence[StoredRecord]) -> list[M]:
            return decode(self._originals(key, records))

        return self.inner.read_all(self.stored_key(key), decode_stored)

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[C, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`."""
        stored = yield from self.inner.read_conversations([self.stored_key(key) for key in keys])
        self.check_records([one.record for one in stored if one is not None])
        return [
            None if one is None else self._conversation(key, one)
            for key, one in zip(keys, stored, strict=True)
        ]

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[C, OwnedPage]:
        """See `Backend.list_owned`."""
        page = yield from self.inner.list_owned(self.stored_owner(owner), limit, cursor)
        self.check_records([stored.record for _, stored in page.conversations])
        keys = [self.original_key(key) for key, _ in page.conversations]
        conversations = [
            (key, self._conversation(key, stored))
            for key, (_, stored) in zip(keys, page.conversations, strict=True)
        ]
        return OwnedPage(conversations, page.cursor)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[C, KeyPage]:
        """See `Backend.list_keys`."""
        page = yield from self.inner.list_keys(self.stored_prefix(prefix), limit, cursor)
        return KeyPage([self.original_key(key) for key in page.keys], page.cursor)

    def check(self, key: str) -> Plan[C, None]:
        """See `Backend.check`."""
        return self.inner.check(self.stored_key(key))

    # ------------------------------------------------------------------ conversions

    def _existing(
        self, key: str, existing: Sequence[Existing], records: Sequence[Record]
    ) -> list[Existing]:
        written = {record.id: record for record in records}
        return [
            Existing(item.id, self.original_existing(key, item, written.get(item.id)))
            for item in existing
        ]

    def _original(self, key: str, record: StoredRecord, target: int | str) -> StoredRecord:
        """Return a record that was read by its index or id."""
        if isinstance(target, str):
            body = self.original_body_of(key, target, record.body)
        else:
            body = self.original_body(key, record.body)
        return StoredRecord(record.position, body)

    def _originals(self, key: str, records: Sequence[StoredRecord]) -> Sequence[StoredRecord]:
        if not self.restores_bodies or not records:
            return records
        if not isinstance(records, StoredRecords):
            records = StoredRecords.from_rows(records)
        bodies = records.bodies()
        self.check_bodies(key, bodies)
        return RestoredRecords(records.positions, bodies, partial(self.original_bodies, key))

    def _page(self, key: str, page: Page) -> Page:
        return page._replace(
            records=self._originals(key, page.records),
            leading=self._originals(key, page.leading),
            conversation=page.conversation and self._conversation(key, page.conversation),
        )

    def _conversation(self, key: str, stored: StoredConversation) -> StoredConversation:
        return stored._replace(record=self.original_record(key, stored.record))
