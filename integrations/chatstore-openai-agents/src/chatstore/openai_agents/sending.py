"""What is sent to a model of items, for counting tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chatstore.core import ChatMessage
from chatstore.core.tokens.media import is_media
from chatstore.openai_agents.items import to_items

_UNCOUNTED = {
    "type", "id", "role", "status", "phase", "annotations", "logprobs", "detail", "caller",
}  # fmt: skip


def sent_payload(message: ChatMessage) -> Any:
    """Return what the SDK sends to a model for a message, as JSON.

    Pass it as ``ChatMemoryBuffer(…, payload_fn=sent_payload)`` if you convert windows with
    `to_items`: the buffer then counts whole items, including kinds that only the SDK knows.
    Encrypted reasoning is counted as text.
    """
    return sent_items(to_items([message]))


def sent_items(items: Iterable[Any]) -> list[Any]:
    """Return the fields of items that count as tokens."""
    return [_counted(item) for item in items]


def _counted(value: Any) -> Any:
    if isinstance(value, Mapping):
        if is_media(value):
            return value
        return [_counted(field) for name, field in value.items() if name not in _UNCOUNTED]
    return list(map(_counted, value)) if isinstance(value, list) else value
