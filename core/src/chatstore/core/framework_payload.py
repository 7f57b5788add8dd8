"""A framework's own form of a message, kept beside the fields that all frameworks share.

It is kept in ``additional_kwargs["chatstore.payload"]`` under the framework's name, with a digest
of the common fields. If the common fields are changed elsewhere, the digest no longer matches, and
they win.
"""

from __future__ import annotations

import hashlib
import json
from enum import Enum
from typing import Any

from chatstore.core.messages import PAYLOADS_KEY, ChatMessage

_PAYLOAD, _DIGEST, _JOINS = "payload", "common", "joins"


class Joins(str, Enum):
    """The later message without which a message is useless."""

    MESSAGE = "next message"
    """The model's next message: reasoning is followed by what it led to."""

    CALLS = "next calls"
    """The model's next message with tool calls, which includes this one's calls."""


_ALL_JOINS = [joins.value for joins in Joins]


def attach_payload(
    common: ChatMessage, framework: str, payload: Any, *, joins: Joins | None = None
) -> ChatMessage:
    """Return a message with a framework's own form of it.

    Args:
        common: The message in the fields that all frameworks share.
        framework: The framework's name.
        payload: Its own form of the message, as JSON.
        joins: The later message without which this one is useless, for frameworks that split
            an answer of a model into several messages: a window keeps both or neither.

    Raises:
        pydantic.ValidationError: The payload is not JSON.

    """
    entry = {_PAYLOAD: payload, _DIGEST: _digest(common)}
    if joins:
        entry[_JOINS] = joins.value
    return ChatMessage(
        role=common.role,
        content=common.content,
        additional_kwargs={**common.additional_kwargs, PAYLOADS_KEY: {framework: entry}},
        metadata=common.metadata,
        id=common.id,
        created_at=common.created_at,
    )


def payload_for(message: ChatMessage, framework: str) -> Any | None:
    """Return the framework's own form; ``None`` if it is missing or no longer matches."""
    entries = message.additional_kwargs.get(PAYLOADS_KEY)
    entry = entries.get(framework) if isinstance(entries, dict) else None
    if not isinstance(entry, dict) or entry.get(_DIGEST) != _digest(message):
        return None
    return entry.get(_PAYLOAD)


def joins_of(message: ChatMessage) -> Joins | None:
    """Return the later message without which a message is useless, if there is one."""
    if not message.additional_kwargs:
        return None  # windows ask for each message
    entries = message.additional_kwargs.get(PAYLOADS_KEY)
    for entry in entries.values() if isinstance(entries, dict) else ():
        value = entry.get(_JOINS) if isinstance(entry, dict) else None
        if value in _ALL_JOINS:
            return Joins(value)
    return None


def _digest(message: ChatMessage) -> str:
    fields = message.model_dump(mode="json", include={"role", "content"}, exclude_none=True)
    kwargs = {key: value for key, value in message.additional_kwargs.items() if key != PAYLOADS_KEY}
    text = json.dumps([fields, kwargs], sort_keys=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
