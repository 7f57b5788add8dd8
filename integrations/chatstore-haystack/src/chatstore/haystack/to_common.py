"""Convert Haystack's messages to the fields that all frameworks share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from haystack.dataclasses import (
    ChatMessage as HaystackMessage,
)
from haystack.dataclasses import (
    FileContent,
    ImageContent,
    ReasoningContent,
    TextContent,
    ToolCall,
    ToolCallResult,
)

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.contents import BlockFields, media_block, simplify
from chatstore.core.tool_calls import Call


def common_message(message: HaystackMessage, message_id: str) -> ChatMessage:
    """Return the text, media, reasoning, tool calls and results of a message.

    Several results in one message are blocks of a ``user`` message, as in Anthropic's format.

    Raises:
        ValueError: JSON cannot hold the message.

    """
    role = message.role.value
    kwargs: dict[str, Any] = {} if message.name is None else {"name": message.name}
    content: str | list[BlockFields] | None
    results = message.tool_call_results
    if len(results) == len(message) == 1:
        origin = results[0].origin
        kwargs = {"tool_call_id": call_id(origin), "name": origin.tool_name}
        role, content = "tool", _result(results[0])
    else:
        # Haystack's public properties lose the order of the parts.
        parts = message._content  # noqa: SLF001
        content = simplify([*map(_result_block, results), *_blocks(parts)])
        role = "user" if results else role
        if message.tool_calls:
            kwargs["tool_calls"] = [_call(call).to_openai() for call in message.tool_calls]
    return ChatMessage(
        role=MessageRole(role), content=content, additional_kwargs=kwargs, id=message_id
    )


def call_id(call: ToolCall) -> str:
    """Return a call's id, or one made of its tool and arguments, which its result repeats."""
    if call.id is not None:
        return call.id
    text = json.dumps([call.tool_name, call.arguments], sort_keys=True)
    return "call-" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _call(call: ToolCall) -> Call:
    return Call(call_id(call), call.tool_name, json.dumps(call.arguments, ensure_ascii=False))


def _result(result: ToolCallResult) -> str | list[BlockFields]:
    content = result.result
    return content if isinstance(content, str) else list(_blocks(content))


def _result_block(result: ToolCallResult) -> BlockFields:
    content = _result(result)
    return {"type": "tool_result", "tool_use_id": call_id(result.origin), "content": content}


def _blocks(parts: Iterable[Any]) -> Iterable[BlockFields]:
    for part in parts:
        if isinstance(part, TextContent):
            yield {"type": "text", "text": part.text}
        elif isinstance(part, ReasoningContent):
            yield {"type": "thinking", "thinking": part.reasoning_text}
        elif isinstance(part, ImageContent):
            yield {"type": "image", "data": part.base64_image, "media_type": part.mime_type}
        elif isinstance(part, FileContent):
            block = media_block(part.base64_data, part.mime_type)
            yield {**block, "name": part.filename} if block["type"] == "document" else block
