"""What the methods of ``ChatStore`` do: plans over a backend's atomic methods.

Arguments are checked and encoded when a plan is made; the plan itself only moves records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any

from pydantic import BaseModel

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.records import Existing, Record, StoredRecord
from chatstore.core.backend.writes import Append, Insert, Remove, Replace
from chatstore.core.checks import check_count, check_index, check_key
from chatstore.core.errors import (
    CorruptMessageError,
    InvalidMessageError,
    MessageConflictError,
    MessageTooLargeError,
)
from chatstore.core.foreign import describe_message
from chatstore.core.messages import ChatMessage

_MAX_BYTES_PER_CHARACTER = 4  # in UTF-8


def set_messages(
    backend: Backend[Any], key: str, messages: Iterable[ChatMessage]
) -> Plan[Any, None]:
    """Replace a conversation; without messages, delete it."""
    check_key(key)
    records = encode(backend, messages)
    return backend.replace(key, Replace(records)) if records else backend.delete(key)


def add_message(
    backend: Backend[Any], key: str, message: ChatMessage, idx: int | None
) -> Plan[Any, None]:
    """Append a message, or insert it before an index."""
    check_key(key)
    index = None if idx is None else check_index(idx)
    records = encode(backend, [message])
    return (
        _append(backend, key, records) if index is None else _insert(backend, key, index, records)
    )


def add_messages(
    backend: Backend[Any], key: str, messages: Iterable[ChatMessage]
) -> Plan[Any, None]:
    """Append messages next to each other."""
    check_key(key)
    return _append(backend, key, encode(backend, messages))


def add_new_messages(
    backend: Backend[Any], key: str, messages: Iterable[ChatMessage]
) -> Plan[Any, int]:
    """Append the messages whose ids the conversation does not have; return their number.

    Unlike `add_messages`, it ignores whether existing messages have other content.
    """
    check_key(key)
    return _append_new(backend, key, encode(backend, messages))


def delete_messages(backend: Backend[Any], key: str) -> Plan[Any, None]:
    """Delete a conversation."""
    return backend.delete(check_key(key))


def delete_message(
    backend: Backend[Any], key: str, idx: int, *, force: bool
) -> Plan[Any, ChatMessage | None]:
    """Remove a message and return it."""
    return _remove(backend, check_key(key), check_index(idx), force=force)


def get_messages(backend: Backend[Any], key: str, last: int | None) -> Plan[Any, list[ChatMessage]]:
    """Read all messages, or the newest."""
    check_key(key)
    if last is None:
        return backend.read_all(key, partial(codec.decode_all, key))
    return _get_newest(backend, key, check_count(last, "last"))


def count_messages(backend: Backend[Any], key: str) -> Plan[Any, int]:
    """Count the messages of a conversation."""
    return backend.count(check_key(key))


def setup(backend: Backend[Any]) -> Plan[Any, None]:
    """Create what is missing in the database."""
    return backend.setup()


def purge_expired(backend: Backend[Any]) -> Plan[Any, bool]:
    """Free the storage of some expired conversations; return whether there may be more."""
    return backend.purge_expired()


def _append(backend: Backend[Any], key: str, records: Sequence[Record]) -> Plan[Any, None]:
    while records:
        existing = yield from backend.append(key, Append(records))
        if not existing:
            return
        records = _without_existing(key, records, existing)


def _append_new(backend: Backend[Any], key: str, records: Sequence[Record]) -> Plan[Any, int]:
    while records:
        existing = yield from backend.append(key, Append(records))
        if not existing:
            break
        ids = {item.id for item in existing}
        records = [record for record in records if record.id not in ids]
    return len(records)


def _insert(
    backend: Backend[Any], key: str, index: int, records: Sequence[Record]
) -> Plan[Any, None]:
    existing = yield from backend.insert(key, Insert(index, records[0]))
    _without_existing(key, records, existing)


def _remove(
    backend: Backend[Any], key: str, index: int, *, force: bool
) -> Plan[Any, ChatMessage | None]:
    decode = _decode_or_none if force else _decode
    checked: dict[StoredRecord, ChatMessage | None] = {}

    def check(record: StoredRecord) -> None:
        checked[record] = decode(key, record)

    record = yield from backend.remove(key, Remove(index, check))
    if record is None:
        return None
    return checked[record] if record in checked else decode(key, record)


def _get_newest(backend: Backend[Any], key: str, limit: int) -> Plan[Any, list[ChatMessage]]:
    if limit == 0:
        return []
    page = yield from backend.read_newest(key, limit)
    return codec.decode_all(key, page.records)


def _decode(key: str, record: StoredRecord) -> ChatMessage:
    return codec.decode(key, record.position, record.body)


def _decode_or_none(key: str, record: StoredRecord) -> ChatMessage | None:
    try:
        return _decode(key, record)
    except CorruptMessageError:
        return None


def encode(backend: Backend[Any], messages: Iterable[ChatMessage]) -> list[Record]:
    """Encode all messages, or raise before anything is sent.

    Raises:
        InvalidMessageError: JSON cannot represent a message, or two have the same id.
        MessageTooLargeError: A message exceeds the backend's `max_message_bytes`.

    """
    # Pydantic's models can be iterated, but over their fields.
    is_single = isinstance(messages, (BaseModel, str, bytes, Mapping))
    if is_single or not isinstance(messages, Iterable):
        raise InvalidMessageError(
            "messages must be a list of chatstore.core.ChatMessage, "
            f"not {describe_message(messages)}"
        )
    now = datetime.now(timezone.utc).isoformat()
    records = [codec.encode(message, now) for message in messages]
    if len({record.id for record in records}) < len(records):
        raise InvalidMessageError("two of these messages have the same id")
    limit = backend.max_message_bytes
    if limit is not None:
        for record in records:
            # Encoding is slow, and most bodies are small enough without it.
            is_small = len(record.body) * _MAX_BYTES_PER_CHARACTER <= limit
            if not is_small and len(record.body.encode()) > limit:
                raise MessageTooLargeError(f"a message has more than {limit} bytes as it is stored")
    return records


def _without_existing(
    key: str, records: Sequence[Record], existing: Sequence[Existing]
) -> list[Record]:
    """Return the records that the conversation does not have.

    Raises:
        MessageConflictError: It has one of them with other content.

    """
    bodies = {item.id: item.body for item in existing}
    rest: list[Record] = []
    for record in records:
        body = bodies.get(record.id)
        if body is None:
            rest.append(record)
        elif codec.decode(key, -1, body) != codec.decode(key, -1, record.body):
            raise MessageConflictError(
                f"the conversation has message {record.id!r} with other content"
            )
    return rest
