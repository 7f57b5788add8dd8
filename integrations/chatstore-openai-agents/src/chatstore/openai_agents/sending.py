"""What a model is sent of items, for counting tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chatstore.core import ChatMessage
from chatstore.core.tokens.media import is_media
from chatstore.openai_agents.items import to_items

_FRAME = {"type", "id", "role", "status", "phase", "annotations", "logprobs", "detail", "caller"}


def sent_payload(message: ChatMessage) -> Any:
    """Return what `to_items` makes a model be sent for a message, as JSON.

    For ``ChatMemoryBuffer(…, payload_fn=sent_payload)``: windows whose messages go through
    `to_items` then count whole items, also of kinds that only the SDK knows. Encrypted reasoning
    counts as the text that it is.
    """
    return sent_items(to_items([message]))


def sent_items(items: Iterable[Any]) -> list[Any]:
    """Return what a model is sent of items, without what only frames them."""
    return [_sent(item) for item in items]


def _sent(value: Any) -> Any:
    if isinstance(value, Mapping):
        if is_media(value):
            return value
        return [_sent(field) for name, field in value.items() if name not in _FRAME]
    return list(map(_sent, value)) if isinstance(value, list) else value
