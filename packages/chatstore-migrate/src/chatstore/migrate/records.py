"""Conversation records: read those of a source, and write them to a store."""

from __future__ import annotations

from chatstore.core import ChatStore, Conversation, ConversationExistsError
from chatstore.migrate.report import MigrationError
from chatstore.migrate.sources import RecordFields, RecordSource, Source, SourceRecord


def record_of(source: Source, key: str) -> SourceRecord | None:
    """Return the record of a source's conversation.

    ``None``: the conversation does not exist. A source without records returns an empty one.
    """
    return source.record(key) if isinstance(source, RecordSource) else SourceRecord()


def write_record(
    store: ChatStore,
    key: str,
    source: Source,
    record: SourceRecord,
    *,
    earlier: RecordFields | None,
    overwrite: bool,
) -> None:
    """Create the conversation with its record, or compare the record with the existing one.

    A conversation that only exists through its messages is not created.

    Args:
        store: The store to write to.
        key: The conversation's key in the store.
        source: The source; the existing record stays if the source has no records.
        record: The record in the source.
        earlier: What the source had before; an existing record that equals it is changed.
        overwrite: Whether any existing record is changed.

    Raises:
        MigrationError: The existing record differs and may not be changed.
        RevisionConflictError: Another process wrote the conversation before it was changed.

    """
    existing = store.get_conversation(key)
    if existing is None and record.is_created:
        existing = _create(store, key, record.fields)
    if existing is None or not isinstance(source, RecordSource):
        return
    fields = record.fields
    present = fields_of(existing)
    if fields == present:
        return
    if not overwrite and present != earlier:
        difference = "owner" if fields.owner != existing.owner else "title or metadata"
        raise MigrationError(
            f"the store's conversation has another {difference}; copy to another key, or overwrite "
            "it",
            key=key,
        )
    removed = dict.fromkeys(existing.metadata.keys() - fields.metadata.keys())
    store.update_conversation(
        key,
        owner=fields.owner,
        title=fields.title,
        metadata={**removed, **fields.metadata},
        expected_revision=existing.revision,
    )


def fields_of(conversation: Conversation) -> RecordFields:
    """Return the fields that are copied."""
    return RecordFields(conversation.owner, conversation.title, conversation.metadata)


def _create(store: ChatStore, key: str, fields: RecordFields) -> Conversation | None:
    try:
        return store.create_conversation(
            key, owner=fields.owner, title=fields.title, metadata=fields.metadata
        )
    except ConversationExistsError:  # another process wrote it since
        return store.get_conversation(key)
