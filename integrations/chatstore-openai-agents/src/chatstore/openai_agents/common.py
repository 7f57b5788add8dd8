"""What items and messages have in common: roles, text, media, function calls and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chatstore.core import (
    ChatMessage,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
)
from chatstore.core.framework_payload import Joins
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import Call, Result, calls_of, results_of
from chatstore.openai_agents.tools import item_call, item_result

Block: TypeAlias = dict[str, Any]
_ROLES = {
    role.value: role
    for role in (
        MessageRole.USER,
        MessageRole.ASSISTANT,
        MessageRole.SYSTEM,
        MessageRole.DEVELOPER,
    )
}
_TOOL_ROLES = {MessageRole.TOOL, MessageRole.FUNCTION}
_IMAGES = {"input_image", "computer_screenshot"}
_TEXTS = {"input_text": "text", "output_text": "text", "refusal": "refusal"}


@dataclass
class Fields:
    """The common fields of an item, with its calls apart.

    An item that only the SDK knows is an assistant's message without content.

    Attributes:
        joins: The later item that this one means nothing without.

    """

    role: MessageRole = MessageRole.ASSISTANT
    content: str | list[Block] | None = None
    kwargs: dict[str, Any] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    joins: Joins | None = None

    def additional_kwargs(self) -> dict[str, Any]:
        """Return the message's additional kwargs, calls included."""
        return {**self.kwargs, "tool_calls": self.calls} if self.calls else self.kwargs


def fields_of(item: Mapping[str, Any]) -> Fields:
    """Return what an item says in the fields that all frameworks share."""
    kind = item.get("type", "message")
    if kind == "message" and item.get("role") in _ROLES:
        return Fields(_ROLES[item["role"]], _content(item.get("content")))
    call = item_call(item)
    if call is not None:
        function = {"name": call.name, "arguments": call.arguments}
        return Fields(calls=[{"id": call.id, "type": "function", "function": function}])
    result = item_result(item)
    if result is not None:
        return Fields(MessageRole.TOOL, _content(result.output), {"tool_call_id": result.call_id})
    if kind == "reasoning":
        parts = [*(item.get("summary") or []), *(item.get("content") or [])]
        text = "\n".join(part["text"] for part in parts if part.get("text"))
        thinking = [{"type": "thinking", "thinking": text}] if text else None
        return Fields(content=thinking, joins=Joins.MESSAGE)
    return Fields(joins=Joins.MESSAGE if kind == "program" else None)


def plain_items(
    message: ChatMessage, place: int = 0, ids: CallIds | None = None
) -> list[dict[str, Any]]:
    """Return the items that the common fields of a message stand for.

    Args:
        message: The message.
        place: Its place in the list that ``ids`` were made of.
        ids: The ids of calls; by default those that the message has.

    """
    content = message.content
    items = [
        _output(result, ids.results.get((place, number), result.id) if ids else result.id)
        for number, result in enumerate(results_of(message))
    ]
    if message.role not in _TOOL_ROLES:
        role = _ROLES.get(message.role.value, MessageRole.ASSISTANT)
        words: str | list[dict[str, Any]] | None
        if isinstance(content, list):
            words = _text(content) if role is MessageRole.ASSISTANT else _parts(content)
        else:
            words = content
        if words or content == "":
            items.append({"role": role.value, "content": words})
    calls = [
        _function_call(call, ids.calls[place, number] if ids else call.id)
        for number, call in enumerate(calls_of(message))
    ]
    return [*items, *calls]


def _content(content: Any) -> str | list[Block] | None:
    """Return an item's content: text if it is nothing else, otherwise blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    blocks = [block for part in content if (block := _block(part)) is not None]
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return blocks or None


def _block(part: Any) -> Block | None:
    if not isinstance(part, Mapping):
        return None
    kind = part.get("type")
    if kind in _TEXTS:
        return {"type": "text", "text": part.get(_TEXTS[kind], "")}
    if kind in _IMAGES and part.get("image_url"):
        return {"type": "image", **_source(part["image_url"], "url")}
    if kind == "input_file" and (part.get("file_url") or part.get("file_data")):
        url = part.get("file_url")
        source = {"url": url} if url else _source(part["file_data"], "data")
        return {"type": "document", **source, "name": part.get("filename")}
    return None


def _source(text: str, otherwise: str) -> Block:
    """Return the data of a data URL; other text goes into the field ``otherwise``."""
    head, comma, data = text.partition(";base64,")
    if comma and head.startswith("data:"):
        return {"data": data, "media_type": head.removeprefix("data:")}
    return {otherwise: text}


def _parts(blocks: Iterable[ContentBlock]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            parts.append({"type": "input_text", "text": block.text})
        elif isinstance(block, ImageBlock) and (block.url or block.data):
            address = block.url or f"data:{block.media_type or 'image/png'};base64,{block.data}"
            parts.append({"type": "input_image", "image_url": address, "detail": "auto"})
        elif isinstance(block, DocumentBlock) and (block.url or block.data):
            kind = block.media_type or "application/pdf"
            file = (
                {"file_url": block.url}
                if block.url
                else {
                    "file_data": f"data:{kind};base64,{block.data}",
                    "filename": block.name or "file",
                }
            )
            parts.append({"type": "input_file", **file})
    return parts


def _text(blocks: Iterable[ContentBlock]) -> str:
    return "\n".join(block.text for block in blocks if isinstance(block, TextBlock))


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
