"""Messages of Haystack, made of the fields that all frameworks share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from haystack.dataclasses import (
    ChatMessage as HaystackMessage,
)
from haystack.dataclasses import (
    FileContent,
    ImageContent,
    TextContent,
    ToolCall,
)

from chatstore.core import (
    AudioBlock,
    ChatMessage,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    VideoBlock,
)
from chatstore.core.tool_calls import Result, calls_of, results_of

_ANSWERERS = {MessageRole.TOOL, MessageRole.FUNCTION}
_PROMPTERS = {MessageRole.SYSTEM, MessageRole.DEVELOPER}


def haystack_messages(message: ChatMessage, calls: Mapping[int, ToolCall]) -> list[HaystackMessage]:
    """Return what a message says: one of Haystack's, several for several results, or none.

    Args:
        message: A message that any framework wrote.
        calls: The calls that its results answer, by the results' places.

    """
    name = message.additional_kwargs.get("name")
    speaker = name if isinstance(name, str) else None
    blocks = _blocks(message)
    text = "\n".join(block.text for block in blocks if isinstance(block, TextBlock))
    if message.role in _PROMPTERS:
        return [HaystackMessage.from_system(text, name=speaker)] if text else []
    if message.role is MessageRole.USER or message.role in _ANSWERERS:
        made = [
            _tool_message(result, calls.get(place))
            for place, result in enumerate(results_of(message))
        ]
        parts = list(_parts(blocks)) if message.role is MessageRole.USER else []
        if parts:
            made.append(HaystackMessage.from_user(content_parts=parts, name=speaker))
        return made
    thoughts = "\n".join(block.thinking for block in blocks if isinstance(block, ThinkingBlock))
    called = tool_calls(message)
    if not (text or thoughts or called):
        return []
    return [
        HaystackMessage.from_assistant(
            text or None, name=speaker, tool_calls=called, reasoning=thoughts or None
        )
    ]


def tool_calls(message: ChatMessage) -> list[ToolCall]:
    """Return the calls that a message makes."""
    return [
        ToolCall(call.name, _arguments(call.arguments), call.id or None)
        for call in calls_of(message)
    ]


def _blocks(message: ChatMessage) -> list[ContentBlock]:
    if isinstance(message.content, str):
        return [_text(message.content)] if message.content else []
    return list(message.content or [])


def _text(text: str) -> ContentBlock:
    return TextBlock.model_validate({"type": "text", "text": text})


def _tool_message(result: Result, call: ToolCall | None) -> HaystackMessage:
    origin = call or ToolCall(result.name or "unknown", {}, result.id or None)
    content = result.content
    body = content if isinstance(content, str) else list(_parts(content))
    return HaystackMessage.from_tool(body, origin)


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text or "{}")
    except ValueError:
        arguments = text
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def _parts(blocks: Iterable[ContentBlock]) -> Iterable[TextContent | ImageContent | FileContent]:
    """Yield text and media; Haystack's media are data, never an address."""
    for block in blocks:
        if isinstance(block, TextBlock):
            yield TextContent(block.text)
        elif isinstance(block, ImageBlock) and block.data:
            yield ImageContent(block.data, block.media_type, validation=False)
        elif isinstance(block, (AudioBlock, VideoBlock, DocumentBlock)) and block.data:
            name = block.name if isinstance(block, DocumentBlock) else None
            yield FileContent(block.data, block.media_type, name, validation=False)
