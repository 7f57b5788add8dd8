"""Copy one conversation, resume the copy, and verify it.

The copy is made in passes. Each pass compares what the store has with the source, appends the
rest and compares again. When the source's conversation was written during a pass, another pass
follows, until one ends with the revision with which it began.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ChatStoreError,
    ConversationChangedError,
    MessageConflictError,
    RevisionConflictError,
)
from chatstore.core.backend import Backend
from chatstore.core.checks import check_key
from chatstore.core.operations import encode
from chatstore.migrate.digests import ConversationDigest, canonical_text
from chatstore.migrate.records import fields_of, record_of, write_record
from chatstore.migrate.report import MigratedConversation, MigrationError
from chatstore.migrate.sources import RecordFields, Source, SourceRecord

_BATCH_MESSAGES = 200
_BATCH_CHARACTERS = 500_000
_MAX_PASSES = 20
# What a pass may raise when the source is written while it runs.
_CHANGES = (
    ConversationChangedError,
    MessageConflictError,
    MigrationError,
    RevisionConflictError,
)


class ConversationCopy:
    """Copies a conversation; at most a page of its messages is in memory."""

    def __init__(
        self,
        source: Source,
        key: str,
        store: ChatStore,
        target: str,
        *,
        overwrite: bool = False,
        verify: bool = True,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Name the conversation; nothing is read yet.

        Args:
            source: The source.
            key: The conversation in the source.
            store: The store to copy into.
            target: The conversation in the store.
            overwrite: Whether to replace messages and a record of the store that differ.
            verify: Whether to compare the copy with the source at the end.
            on_progress: Called after each batch with the number of messages of the source that
                are in the store.

        """
        self._source = source
        self._key = check_key(key)
        self._store = store
        self._target = check_key(target)
        self._overwrite = overwrite
        self._verify = verify
        self._on_progress = on_progress or (lambda _: None)
        self._position = 0  # messages of the source that the store has
        self._copied = 0
        self._owned: int | None = None  # messages of the store, if all come from the source
        self._fields: RecordFields | None = None  # of the source, in the pass before

    def run(self) -> MigratedConversation | None:
        """Copy the conversation; ``None`` if the source does not have it or deletes it.

        Raises:
            MigrationError: The store's conversation differs and may not be overwritten, or the
                source changed in each pass, or deleted a conversation to which others wrote.
            CorruptMessageError: A message cannot be read; nothing of the conversation was written.
            InvalidArgumentError: A message cannot be stored; nothing of it was written.

        """
        record = record_of(self._source, self._key)
        is_new = self._store.get_conversation(self._target) is None
        self._owned = 0 if is_new else None
        for _ in range(_MAX_PASSES):
            if record is None:
                if is_new:
                    self._delete()
                return None
            result: MigratedConversation | None = None
            error: ChatStoreError | None = None
            try:
                result = self._pass(record)
            except _CHANGES as changed:
                error = changed  # perhaps because the source was written during the pass
            after = record_of(self._source, self._key)
            if after is not None and after.revision == record.revision:
                if error is not None:
                    raise error
                return result
            record = after
        raise MigrationError(
            f"the source was written in each of {_MAX_PASSES} passes; "
            "copy it when nothing writes to it",
            key=self._target,
        )

    def _pass(self, record: SourceRecord) -> MigratedConversation | None:
        reading = _Reading(self._source, self._key)
        # Read everything first: nothing is written of a conversation that cannot be copied.
        count = reading.count(self._store.backend)
        if count == 0 and not record.is_created:
            return None
        write_record(
            self._store,
            self._target,
            self._source,
            record,
            earlier=self._fields,
            overwrite=self._overwrite,
        )
        self._fields = record.fields
        messages = reading.messages()
        rest = self._compare(messages)
        for batch in _batches(rest):
            self._store.add_messages(self._target, batch)
            self._copied += len(batch)
            self._position += len(batch)
            if self._owned is not None:
                self._owned += len(batch)
            self._on_progress(self._position)
        digest = self._check(reading, record.fields, count) if self._verify else None
        return MigratedConversation(self._target, count, self._copied, digest)

    def _compare(self, messages: Iterator[ChatMessage]) -> Iterator[ChatMessage]:
        """Consume the messages that the store has already, and return the others."""
        self._position = 0
        for stored in self._store.iter_messages(self._target):
            message = next(messages, None)
            if message is None:
                self._cut(stored)  # or they were appended in the store, and stay
                return messages
            if _text(message, stored) != canonical_text(stored):
                if not self._cut(stored):
                    raise MigrationError(
                        "the store has another message at this index than the source; copy to "
                        "another key, or overwrite it",
                        key=self._target,
                        position=self._position,
                    )
                return itertools.chain([message], messages)
            self._position += 1
            if self._position % _BATCH_MESSAGES == 0:
                self._on_progress(self._position)
        self._owned = self._position
        self._on_progress(self._position)
        return messages

    def _cut(self, first: ChatMessage) -> bool:
        """Remove a message of the store and all behind it; return whether this is allowed.

        It is if the store had nothing but the source's messages before the source changed.
        """
        existing = self._store.get_conversation(self._target)
        if existing is None or first.id is None:
            return False
        if not self._overwrite and existing.length != self._owned:
            return False
        removed = self._store.truncate(
            self._target, from_id=first.id, expected_revision=existing.revision
        )
        self._owned = existing.length - removed
        self._copied = max(0, self._copied - removed)
        return True

    def _delete(self) -> None:
        """Delete the copy of a conversation that the source has deleted since."""
        existing = self._store.get_conversation(self._target)
        if existing is None:
            return
        if existing.length != self._owned or fields_of(existing) != self._fields:
            raise MigrationError(
                "the source deleted the conversation during the copy, but others wrote to the "
                "store's: delete it or keep it",
                key=self._target,
            )
        self._store.delete_messages(self._target, expected_revision=existing.revision)

    def _check(self, reading: _Reading, fields: RecordFields, count: int) -> str:
        """Compare the copy with the source, and return the digest of the copy."""
        expected = ConversationDigest(self._target, fields)
        actual = ConversationDigest(self._target, fields)
        copies = self._store.iter_messages(self._target)
        number = 0
        for message in reading.messages():
            stored = next(copies, None)
            if stored is None:
                break
            number += 1
            expected.add(_text(message, stored))
            actual.add(canonical_text(stored))
        if number != count or expected.hexdigest() != actual.hexdigest():
            raise MigrationError(
                "the copy differs from the source, which may have changed during the copy; "
                "copy it again",
                key=self._target,
            )
        return actual.hexdigest()


class _Reading:
    """The messages of a conversation, which are read again from the source unless they are few."""

    def __init__(self, source: Source, key: str) -> None:
        self._source = source
        self._key = key
        self._all: list[ChatMessage] | None = None

    def count(self, backend: Backend[Any]) -> int:
        """Read all messages, and return their number.

        Raises:
            CorruptMessageError: A message cannot be read.
            InvalidMessageError: A message cannot be written as JSON.
            MessageTooLargeError: A message is too large for the backend.

        """
        count, batches = 0, 0
        for batch in _batches(self._source.messages(self._key)):
            encode(backend, batch)
            count, batches = count + len(batch), batches + 1
            self._all = batch if batches == 1 else None
        if batches == 0:
            self._all = []
        return count

    def messages(self) -> Iterator[ChatMessage]:
        """Return the messages, oldest first."""
        return iter(self._source.messages(self._key) if self._all is None else self._all)


def _batches(messages: Iterable[ChatMessage]) -> Iterator[list[ChatMessage]]:
    batch: list[ChatMessage] = []
    size = 0
    for message in messages:
        batch.append(message)
        size += len(message.content) if isinstance(message.content, str) else _size(message)
        if len(batch) == _BATCH_MESSAGES or size > _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(message: ChatMessage) -> int:
    return len(message.model_dump_json())


def _text(message: ChatMessage, stored: ChatMessage) -> str:
    """Return a source's message as text; a store gives a time to messages without one."""
    if message.created_at is None:
        message = message.model_copy(update={"created_at": stored.created_at})
    return canonical_text(message)
