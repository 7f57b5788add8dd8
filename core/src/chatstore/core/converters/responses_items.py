"""Items of OpenAI's Responses API that the fields of a message hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatstore.core.blocks import ContentBlock
from chatstore.core.contents import BlockFields, simplify
from chatstore.core.converters.content import (
    common_block,
    common_blocks,
    text_block,
    texts_of,
    url_of,
)
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import TOOL_ROLES, Call, Result, calls_of, results_of

ROLES = {name: MessageRole(name) for name in ("user", "assistant", "system", "developer")}
"""The roles that items have."""


def message_items(
    message: ChatMessage, index: int = 0, ids: CallIds | None = None
) -> list[dict[str, Any]]:
    """Return the items for a message: results, then text and media, then calls.

    Args:
        message: The message.
        index: Its index in the list that ``ids`` were made of.
        ids: The ids of calls; by default those in the message.

    """
    content = message.content
    calls = [
        _function_call(call, ids.calls[index, number] if ids else call.id)
        for number, call in enumerate(calls_of(message))
    ]
    items = [
        _output(result, ids.results.get((index, number), result.id) if ids else result.id)
        for number, result in enumerate(results_of(message))
    ]
    if message.role not in TOOL_ROLES:
        role = ROLES.get(message.role.value, MessageRole.ASSISTANT)
        converted: str | list[dict[str, Any]] | None = content if isinstance(content, str) else None
        if role is MessageRole.ASSISTANT:
            converted = converted or _answer(message)
        elif isinstance(content, list):
            converted = _parts(content)
        if converted or (content == "" and not calls):
            items.append({"role": role.value, "content": converted})
    return [*items, *calls]


def content_of(content: Any) -> str | list[BlockFields] | None:
    """Return the content of an item: the text of a single part of text, otherwise blocks."""
    if isinstance(content, str):
        return content
    return simplify(blocks_of_parts(content)) if isinstance(content, list) else None


def blocks_of_parts(parts: Iterable[Any]) -> list[BlockFields]:
    """Return the text and media in parts of an item, as blocks."""
    blocks = (common_block(part) for part in parts if isinstance(part, dict))
    return [block for block in blocks if block is not None]


def _answer(message: ChatMessage) -> str:
    refusal = message.additional_kwargs.get("refusal")
    refused = [text_block(refusal)] if isinstance(refusal, str) and refusal else []
    return texts_of([*common_blocks(message.content), *refused])


def _parts(content: Iterable[ContentBlock]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for block in common_blocks(content):
        if block["type"] == "text":
            parts.append({"type": "input_text", "text": block["text"]})
        elif block["type"] in {"image", "document"} and (url := url_of(block)):
            parts.append(_media(block, url))
    return parts


def _media(block: BlockFields, url: str) -> dict[str, Any]:
    if block["type"] == "image":
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    if block.get("url"):
        return {"type": "input_file", "file_url": url}
    return {"type": "input_file", "file_data": url, "filename": block.get("name") or "file"}


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
