"""What Haystack's messages say in the fields that all frameworks share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, TypeAlias

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

Block: TypeAlias = dict[str, Any]
_MEDIA = {"image", "audio", "video"}


def common_message(message: HaystackMessage, identity: str) -> ChatMessage:
    """Return the text, media, thoughts, tool calls and results of a message.

    Several results in one message are blocks of a ``user`` message, as Anthropic has them.

    Raises:
        ValueError: JSON cannot hold it.

    """
    role = message.role.value
    kwargs: dict[str, Any] = {} if message.name is None else {"name": message.name}
    content: str | list[Block] | None
    results = message.tool_call_results
    if len(results) == len(message) == 1:
        origin = results[0].origin
        kwargs = {"tool_call_id": call_id(origin), "name": origin.tool_name}
        role, content = "tool", _result(results[0])
    else:
        blocks = [*map(_result_block, results), *_blocks(message._content)]  # noqa: SLF001 - in order
        role = "user" if results else role
        content = blocks or None
        if len(blocks) == 1 and blocks[0]["type"] == "text":
            content = str(blocks[0]["text"])
        if message.tool_calls:
            kwargs["tool_calls"] = [_call(call) for call in message.tool_calls]
    return ChatMessage(
        role=MessageRole(role), content=content, additional_kwargs=kwargs, id=identity
    )


def call_id(call: ToolCall) -> str:
    """Return a call's id; one without is named by what it asks, which its result repeats."""
    if call.id is not None:
        return call.id
    asked = json.dumps([call.tool_name, call.arguments], sort_keys=True)
    return "call-" + hashlib.blake2b(asked.encode(), digest_size=12).hexdigest()


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    function = {"name": call.tool_name, "arguments": arguments}
    return {"id": call_id(call), "type": "function", "function": function}


def _result(result: ToolCallResult) -> str | list[Block]:
    said = result.result
    return said if isinstance(said, str) else list(_blocks(said))


def _result_block(result: ToolCallResult) -> Block:
    content = _result(result)
    return {"type": "tool_result", "tool_use_id": call_id(result.origin), "content": content}


def _blocks(parts: Iterable[Any]) -> Iterable[Block]:
    for part in parts:
        if isinstance(part, TextContent):
            yield {"type": "text", "text": part.text}
        elif isinstance(part, ReasoningContent):
            yield {"type": "thinking", "thinking": part.reasoning_text}
        elif isinstance(part, ImageContent):
            yield {"type": "image", "data": part.base64_image, "media_type": part.mime_type}
        elif isinstance(part, FileContent):
            yield _file(part)


def _file(part: FileContent) -> Block:
    kind = (part.mime_type or "").partition("/")[0]
    block: Block = {"data": part.base64_data, "media_type": part.mime_type}
    if kind in _MEDIA:
        return {"type": kind, **block}
    return {"type": "document", **block, "name": part.filename}
