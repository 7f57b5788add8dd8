"""Make Haystack's messages of the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from haystack.dataclasses import ChatMessage as HaystackMessage
from haystack.dataclasses import FileContent, ImageContent, TextContent, ToolCall

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
from chatstore.core.contents import text_of
from chatstore.core.converters.content import typed_blocks
from chatstore.core.memory.window import PINNED_ROLES
from chatstore.core.tool_calls import TOOL_ROLES, Result, arguments_object, calls_of, results_of


def haystack_messages(message: ChatMessage, calls: Mapping[int, ToolCall]) -> list[HaystackMessage]:
    """Return the messages to send: one, one for each result, or ``[]`` if there is nothing.

    Args:
        message: A message of any framework.
        calls: The calls that its results answer, by the results' indexes.

    """
    kwarg = message.additional_kwargs.get("name")
    name = kwarg if isinstance(kwarg, str) else None
    blocks = typed_blocks(message.content)
    text = text_of(blocks)
    if message.role in PINNED_ROLES:
        return [HaystackMessage.from_system(text, name=name)] if text else []
    if message.role is MessageRole.USER or message.role in TOOL_ROLES:
        messages = [
            _tool_message(result, calls.get(index))
            for index, result in enumerate(results_of(message))
        ]
        parts = list(_parts(blocks)) if message.role is MessageRole.USER else []
        if parts:
            messages.append(HaystackMessage.from_user(content_parts=parts, name=name))
        return messages
    reasoning = "\n".join(block.thinking for block in blocks if isinstance(block, ThinkingBlock))
    own_calls = tool_calls(message)
    if not (text or reasoning or own_calls):
        return []
    return [
        HaystackMessage.from_assistant(
            text or None, name=name, tool_calls=own_calls, reasoning=reasoning or None
        )
    ]


def tool_calls(message: ChatMessage) -> list[ToolCall]:
    """Return the calls that a message makes."""
    return [
        ToolCall(call.name, arguments_object(call.arguments), call.id or None)
        for call in calls_of(message)
    ]


def _tool_message(result: Result, call: ToolCall | None) -> HaystackMessage:
    origin = call or ToolCall(result.name or "unknown", {}, result.id or None)
    content = result.content
    body = content if isinstance(content, str) else list(_parts(typed_blocks(content)))
    return HaystackMessage.from_tool(body, origin, error=result.is_error)


def _parts(blocks: Iterable[ContentBlock]) -> Iterable[TextContent | ImageContent | FileContent]:
    """Yield text and media; Haystack's media are always data, never a URL."""
    for block in blocks:
        if isinstance(block, TextBlock):
            yield TextContent(block.text)
        elif isinstance(block, ImageBlock) and block.data:
            yield ImageContent(block.data, block.media_type, validation=False)
        elif isinstance(block, (AudioBlock, VideoBlock, DocumentBlock)) and block.data:
            name = block.name if isinstance(block, DocumentBlock) else None
            yield FileContent(block.data, block.media_type, name, validation=False)
