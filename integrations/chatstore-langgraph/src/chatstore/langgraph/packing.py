"""Serialized values as text, and messages that keep a JSON object."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from typing import Any, TypeAlias

from chatstore.core import ChatMessage, CorruptStoreError

Typed: TypeAlias = tuple[str, bytes]
"""What LangGraph's serializers return: the name of a format, and the data."""

_FIELDS = "chatstore.langgraph"
_PLAIN, _COMPRESSED = b"\0", b"\1"


def pack(typed: Typed) -> str:
    """Return a serialized value as text, compressed if that makes it shorter."""
    kind, data = typed
    compressed = zlib.compress(data)
    body = _COMPRESSED + compressed if len(compressed) < len(data) else _PLAIN + data
    return f"{kind}:{b64encode(body).decode()}"


def unpack(text: str) -> Typed:
    """Return the serialized value of a text that `pack` returned."""
    kind, _, encoded = text.rpartition(":")
    body = b64decode(encoded)
    data = body[1:]
    return kind, zlib.decompress(data) if body[:1] == _COMPRESSED else data


def to_message(message_id: str, fields: dict[str, Any]) -> ChatMessage:
    """Return a message that keeps a JSON object."""
    return ChatMessage(role="system", additional_kwargs={_FIELDS: fields}, id=message_id)


def fields_of(message: ChatMessage) -> dict[str, Any]:
    """Return the JSON object of a message.

    Raises:
        CorruptStoreError: The message was not written by this package.

    """
    fields = message.additional_kwargs.get(_FIELDS)
    if not isinstance(fields, dict):
        raise CorruptStoreError(
            "a message was found where LangGraph's data were expected; use keys that begin with "
            "the saver's name for nothing else"
        )
    return fields
