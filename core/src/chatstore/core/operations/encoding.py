"""Encoding of the messages of a call as records, with all checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from pydantic import BaseModel

from chatstore.core import codec
from chatstore.core.backend.base import Backend
from chatstore.core.backend.records import Existing, Record
from chatstore.core.checks import check_size
from chatstore.core.errors import InvalidMessageError, MessageConflictError
from chatstore.core.foreign import describe_message
from chatstore.core.messages import ChatMessage


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
    records = codec.encode_all(list(messages), now)
    if len({record.id for record in records}) < len(records):
        raise InvalidMessageError("two of these messages have the same id")
    for record in records:
        check_size(record.body, backend.max_message_bytes)
    return records


def without_existing(
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
