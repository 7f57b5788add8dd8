"""Messages in order: set, add, read, count and delete them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.reads import Newest
from chatstore.core.backend.records import Record, StoredRecord
from chatstore.core.backend.writes import Append, Delete, Insert, Remove, Replace
from chatstore.core.checks import check_count, check_index, check_key, check_revision_argument
from chatstore.core.errors import CorruptMessageError
from chatstore.core.messages import ChatMessage
from chatstore.core.operations.appends import AppendPlan, append
from chatstore.core.operations.encoding import encode, without_existing


def set_messages(
    backend: Backend[Any],
    key: str,
    messages: Iterable[ChatMessage],
    expected_revision: str | None = None,
) -> Plan[Any, None]:
    """Replace all messages of a conversation."""
    check_key(key)
    revision = check_revision_argument(expected_revision)
    return backend.replace(key, Replace(encode(backend, messages), revision))


def add_message(
    backend: Backend[Any],
    key: str,
    message: ChatMessage,
    idx: int | None = None,
    expected_revision: str | None = None,
) -> Plan[Any, None]:
    """Append a message, or insert it before an index."""
    check_key(key)
    revision = check_revision_argument(expected_revision)
    if idx is None:
        return _append(backend, key, encode(backend, [message]), revision)
    index = check_index(idx)
    [record] = encode(backend, [message])
    return _insert(backend, key, Insert(index, record, revision))


def add_messages(
    backend: Backend[Any],
    key: str,
    messages: Iterable[ChatMessage],
    expected_revision: str | None = None,
) -> Plan[Any, None]:
    """Append messages next to each other."""
    check_key(key)
    revision = check_revision_argument(expected_revision)
    return _append(backend, key, encode(backend, messages), revision)


def add_new_messages(
    backend: Backend[Any], key: str, messages: Iterable[ChatMessage]
) -> Plan[Any, int]:
    """Append the messages whose ids the conversation does not have; return their number.

    Unlike `add_messages`, it ignores whether existing messages have other content.
    """
    check_key(key)
    return _append_new(backend, key, encode(backend, messages))


def delete_messages(
    backend: Backend[Any], key: str, expected_revision: str | None = None
) -> Plan[Any, None]:
    """Delete a conversation."""
    return backend.delete(check_key(key), Delete(check_revision_argument(expected_revision)))


def delete_message(
    backend: Backend[Any],
    key: str,
    idx: int,
    *,
    force: bool = False,
    expected_revision: str | None = None,
) -> Plan[Any, ChatMessage | None]:
    """Remove a message and return it."""
    revision = check_revision_argument(expected_revision)
    return remove(backend, check_key(key), check_index(idx), revision, force=force)


def get_messages(
    backend: Backend[Any], key: str, last: int | None = None
) -> Plan[Any, list[ChatMessage]]:
    """Read all messages, or the newest."""
    check_key(key)
    if last is None:
        return backend.read_all(key, partial(codec.decode_all, key))
    return _get_newest(backend, key, check_count(last, "last"))


def count_messages(backend: Backend[Any], key: str) -> Plan[Any, int]:
    """Count the messages of a conversation."""
    return backend.count(check_key(key))


def _append(
    backend: Backend[Any], key: str, records: Sequence[Record], expected_revision: str | None
) -> Plan[Any, None]:
    if expected_revision is None and records:
        return AppendPlan(backend, key, records)
    return append(backend, key, records, expected_revision)


def _append_new(backend: Backend[Any], key: str, records: Sequence[Record]) -> Plan[Any, int]:
    while records:
        existing = yield from backend.append(key, Append(records))
        if not existing:
            break
        ids = {item.id for item in existing}
        records = [record for record in records if record.id not in ids]
    return len(records)


def _insert(backend: Backend[Any], key: str, write: Insert) -> Plan[Any, None]:
    existing = yield from backend.insert(key, write)
    without_existing(key, [write.record], existing)


def remove(
    backend: Backend[Any],
    key: str,
    target: int | str,
    expected_revision: str | None,
    *,
    force: bool,
) -> Plan[Any, ChatMessage | None]:
    """Remove the message at an index or with an id, and return it."""
    decode = _decode_or_none if force else _decode
    checked: dict[StoredRecord, ChatMessage | None] = {}

    def check(record: StoredRecord) -> None:
        checked[record] = decode(key, record)

    record = yield from backend.remove(key, Remove(target, check, expected_revision))
    if record is None:
        return None
    return checked[record] if record in checked else decode(key, record)


def _get_newest(backend: Backend[Any], key: str, limit: int) -> Plan[Any, list[ChatMessage]]:
    if limit == 0:
        return []
    page = yield from backend.read_newest(key, Newest(limit))
    return codec.decode_all(key, page.records)


def _decode(key: str, record: StoredRecord) -> ChatMessage:
    return codec.decode(key, record.position, record.body)


def _decode_or_none(key: str, record: StoredRecord) -> ChatMessage | None:
    try:
        return _decode(key, record)
    except CorruptMessageError:
        return None
