"""Make items of the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatstore.core import (
    ChatMessage,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
)
from chatstore.core.contents import text_of
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import TOOL_ROLES, Call, Result, calls_of, results_of
from chatstore.openai_agents.to_common import ROLES


def plain_items(
    message: ChatMessage, index: int = 0, ids: CallIds | None = None
) -> list[dict[str, Any]]:
    """Return the items for the common fields of a message.

    Args:
        message: The message.
        index: Its index in the list that ``ids`` were made of.
        ids: The ids of calls; by default those in the message.

    """
    content = message.content
    items = [
        _output(result, ids.results.get((index, number), result.id) if ids else result.id)
        for number, result in enumerate(results_of(message))
    ]
    if message.role not in TOOL_ROLES:
        role = ROLES.get(message.role.value, MessageRole.ASSISTANT)
        converted: str | list[dict[str, Any]] | None
        if isinstance(content, list):
            converted = text_of(content) if role is MessageRole.ASSISTANT else _parts(content)
        else:
            converted = content
        if converted or content == "":
            items.append({"role": role.value, "content": converted})
    calls = [
        _function_call(call, ids.calls[index, number] if ids else call.id)
        for number, call in enumerate(calls_of(message))
    ]
    return [*items, *calls]


def _parts(blocks: Iterable[ContentBlock]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            parts.append({"type": "input_text", "text": block.text})
        elif isinstance(block, ImageBlock) and (block.url or block.data):
            address = block.url or f"data:{block.media_type or 'image/png'};base64,{block.data}"
            parts.append({"type": "input_image", "image_url": address, "detail": "auto"})
        elif isinstance(block, DocumentBlock) and (block.url or block.data):
            media_type = block.media_type or "application/pdf"
            file = (
                {"file_url": block.url}
                if block.url
                else {
                    "file_data": f"data:{media_type};base64,{block.data}",
                    "filename": block.name or "file",
                }
            )
            parts.append({"type": "input_file", **file})
    return parts


def _output(result: Result, call_id: str) -> dict[str, Any]:
    content = result.content
    output = _parts(content) if isinstance(content, list) else content
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _function_call(call: Call, call_id: str) -> dict[str, Any]:
    return {
        "type": "function_call",
        "call_id": call_id,
        "name": call.name,
        "arguments": call.arguments,
    }
