"""Conversations: create, get, update, list, fork and erase them, and read them at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.conversations import (
    ConversationRecord,
    StoredConversation,
    check_revision,
)
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest
from chatstore.core.backend.writes import Create, Delete, Update
from chatstore.core.checks import (
    check_count,
    check_key,
    check_message_id,
    check_owner,
    check_revision_argument,
    check_title,
)
from chatstore.core.conversations import Conversation, ConversationPage, Snapshot
from chatstore.core.cursors import read_cursor, write_cursor
from chatstore.core.errors import (
    ConversationChangedError,
    ConversationExistsError,
    ConversationNotFoundError,
    InvalidArgumentError,
    MessageNotFoundError,
    RevisionConflictError,
)
from chatstore.core.metadata import dump_metadata, merge_metadata
from chatstore.core.operations.records import conversation_of, forked_records
from chatstore.core.paging import MAX_PAGE_SIZE
from chatstore.core.unchanged import UNCHANGED, Unchanged

_FORK_ATTEMPTS = 10  # the source is read again if its messages moved meanwhile
FORKED_FROM = "forked_from"


def create_conversation(
    backend: Backend[Any],
    key: str,
    owner: str | None = None,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Plan[Any, Conversation]:
    """Create an empty conversation."""
    record = ConversationRecord(
        None if owner is None else check_owner(owner),
        check_title(title),
        dump_metadata({} if metadata is None else metadata),
        is_created=True,
    )
    return _create(backend, check_key(key), Create(record))


def get_conversation(backend: Backend[Any], key: str) -> Plan[Any, Conversation | None]:
    """Read a conversation without its messages."""
    return _get(backend, check_key(key))


def update_conversation(
    backend: Backend[Any],
    key: str,
    owner: str | Unchanged | None = UNCHANGED,
    title: str | Unchanged | None = UNCHANGED,
    metadata: Mapping[str, Any] | Unchanged = UNCHANGED,
    expected_revision: str | None = None,
) -> Plan[Any, Conversation]:
    """Change the given fields of a conversation's record."""
    check_key(key)
    changes: dict[str, Any] = {}
    if not isinstance(owner, Unchanged):
        changes["owner"] = None if owner is None else check_owner(owner)
    if not isinstance(title, Unchanged):
        changes["title"] = check_title(title)
    patch = None
    if not isinstance(metadata, Unchanged):
        dump_metadata(metadata)  # checked before anything is read
        patch = metadata
    revision = check_revision_argument(expected_revision)
    return _update(backend, key, changes, patch, revision)


def list_conversations(
    backend: Backend[Any], owner: str | None, limit: int, cursor: str | None
) -> Plan[Any, ConversationPage]:
    """Read a page of conversations, of an owner or of all."""
    size = min(MAX_PAGE_SIZE, check_count(limit, "limit", least=1))
    if owner is not None:
        check_owner(owner)
    start = None if cursor is None else read_cursor(cursor, backend.server, owner)
    if owner is None:
        return _list_all(backend, size, start)
    return _list_owned(backend, owner, size, start)


def delete_conversations(backend: Backend[Any], owner: str) -> Plan[Any, list[str]]:
    """Delete all conversations of an owner; return their keys."""
    return _delete_owned(backend, check_owner(owner))


def fork(
    backend: Backend[Any],
    key: str,
    new_key: str,
    until: str | None = None,
    owner: str | Unchanged | None = UNCHANGED,
) -> Plan[Any, Conversation]:
    """Begin a conversation with the messages of another one."""
    check_key(key)
    if check_key(new_key) == key:
        raise InvalidArgumentError("a conversation cannot be forked onto itself: name another key")
    if until is not None:
        check_message_id(until)
    if not isinstance(owner, Unchanged) and owner is not None:
        check_owner(owner)
    return _fork(backend, key, new_key, until, owner)


def snapshot(backend: Backend[Any], key: str, last: int | None = None) -> Plan[Any, Snapshot]:
    """Read a conversation and its messages at one moment."""
    limit = None if last is None else check_count(last, "last")
    return _snapshot(backend, check_key(key), limit)


def _create(backend: Backend[Any], key: str, write: Create) -> Plan[Any, Conversation]:
    stored = yield from backend.create(key, write)
    if stored is None:
        raise ConversationExistsError("a conversation with this key exists already")
    return conversation_of(key, stored)


def _get(backend: Backend[Any], key: str) -> Plan[Any, Conversation | None]:
    [stored] = yield from backend.read_conversations([key])
    return None if stored is None else conversation_of(key, stored)


def _update(
    backend: Backend[Any],
    key: str,
    changes: Mapping[str, Any],
    patch: Mapping[str, Any] | None,
    expected_revision: str | None,
) -> Plan[Any, Conversation]:
    while True:  # ends: each repetition follows another writer's successful change of the record
        [stored] = yield from backend.read_conversations([key])
        if stored is None:
            raise ConversationNotFoundError("there is no conversation with this key")
        check_revision(expected_revision, stored.revision)
        before = stored.record
        after = before._replace(**changes)
        if patch is not None:
            after = after._replace(metadata=merge_metadata(before.metadata, patch))
        if after == before:
            return conversation_of(key, stored)
        stored = yield from backend.update(key, Update(before, after, expected_revision))
        if stored is not None:
            return conversation_of(key, stored)


def _list_all(backend: Backend[Any], size: int, start: Any | None) -> Plan[Any, ConversationPage]:
    conversations: list[Conversation] = []
    while True:
        page = yield from backend.list_keys("", size - len(conversations), start)
        stored = yield from backend.read_conversations(page.keys)
        pairs = zip(page.keys, stored, strict=True)
        conversations += [conversation_of(key, one) for key, one in pairs if one is not None]
        start = page.cursor
        if start is None or len(conversations) >= size:
            cursor = None if start is None else write_cursor(start, backend.server, None)
            return ConversationPage(conversations, cursor)


def _list_owned(
    backend: Backend[Any], owner: str, size: int, start: Any | None
) -> Plan[Any, ConversationPage]:
    page = yield from backend.list_owned(owner, size, start)
    conversations = [conversation_of(key, stored) for key, stored in page.conversations]
    cursor = None if page.cursor is None else write_cursor(page.cursor, backend.server, owner)
    return ConversationPage(conversations, cursor)


def _delete_owned(backend: Backend[Any], owner: str) -> Plan[Any, list[str]]:
    deleted: list[str] = []
    while True:
        page = yield from backend.list_owned(owner, MAX_PAGE_SIZE, None)
        for key, stored in page.conversations:
            if (yield from _delete_if_owned(backend, key, owner, stored)):
                deleted.append(key)
        if not page.conversations and page.cursor is None:
            return deleted


def _delete_if_owned(
    backend: Backend[Any], key: str, owner: str, stored: StoredConversation | None
) -> Plan[Any, bool]:
    """Delete a conversation, unless it has another owner now; return whether it was deleted."""
    while stored is not None and stored.record.owner == owner:
        try:
            yield from backend.delete(key, Delete(stored.revision))
        except RevisionConflictError:
            [stored] = yield from backend.read_conversations([key])
        else:
            return True
    return False


def _fork(
    backend: Backend[Any], key: str, new_key: str, until: str | None, owner: str | Unchanged | None
) -> Plan[Any, Conversation]:
    for _ in range(_FORK_ATTEMPTS):
        bound, epoch = None, None
        if until is not None:
            last = yield from backend.find(key, until)
            if not last.records:
                raise MessageNotFoundError(f"the conversation has no message with the id {until!r}")
            bound, epoch = last.records[0].position + 1, last.epoch
        page = yield from backend.read_newest(key, Newest(before=bound, with_conversation=True))
        if page.conversation is None:
            raise ConversationNotFoundError("there is no conversation with this key")
        if epoch is None or epoch == page.epoch:
            new_owner = page.conversation.record.owner if isinstance(owner, Unchanged) else owner
            record = ConversationRecord(
                new_owner, metadata=dump_metadata({FORKED_FROM: key}), is_created=True
            )
            records = forked_records(key, page.records)
            return (yield from _create(backend, new_key, Create(record, records)))
    raise ConversationChangedError(
        "the conversation was replaced, or had messages inserted, again and again while it was "
        "forked; try again"
    )


def _snapshot(backend: Backend[Any], key: str, limit: int | None) -> Plan[Any, Snapshot]:
    # Backends read at least one record.
    read = Newest(limit if limit != 0 else 1, with_conversation=True)
    page = yield from backend.read_newest(key, read)
    records = page.records if limit != 0 else ()
    stored = page.conversation
    conversation = None if stored is None else conversation_of(key, stored)
    return Snapshot(conversation, codec.decode_all(key, records))
