"""Messages as items of OpenAI's Conversations API: those of Responses, with more fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatstore.core import ChatMessage
from chatstore.core.converters.responses import items_by_message
from chatstore.http.answer_status import COMPLETED, STATUS, STATUSES


def to_conversation_items(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Return messages as items of OpenAI's Conversations API.

    The first item of a message has the message's id, the others have ids made of it, unless the
    items came from OpenAI. The status of an answer is that in its metadata. What `to_responses`
    leaves out is left out.
    """
    return [
        _item(message, number, item)
        for message, items in zip(messages, items_by_message(messages), strict=True)
        for number, item in enumerate(items)
    ]


def _item(message: ChatMessage, number: int, item: Mapping[str, Any]) -> dict[str, Any]:
    status = message.metadata.get(STATUS)
    common = {
        "id": f"{message.id}-{number}" if number else message.id,
        "type": "message",
        "status": status if status in STATUSES else COMPLETED,
    }
    content = item.get("content")
    if "role" in item and isinstance(content, str):
        return {**common, **item, "content": [_text_part(item["role"], content)]}
    return {**common, **item}


def _text_part(role: str, text: str) -> dict[str, Any]:
    if role == "assistant":
        return {"type": "output_text", "text": text, "annotations": []}
    return {"type": "input_text", "text": text}
