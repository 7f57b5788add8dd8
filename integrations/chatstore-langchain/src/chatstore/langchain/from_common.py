"""Make LangChain's messages of the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from chatstore.core import ChatMessage, ContentBlock, MessageRole
from chatstore.core.converters.content import common_blocks
from chatstore.core.tool_calls import MODEL_ROLES, Call, calls_of, parse_arguments, results_of

_MEDIA = {"image": "image", "audio": "audio", "video": "video", "document": "file"}
OPENAI_ROLE = "__openai_role__"
"""The additional kwarg in which langchain-openai keeps the developer role."""

Content = Any  # LangChain's: text, or a list of its standard blocks


def langchain_messages(message: ChatMessage) -> list[BaseMessage]:
    """Return one message, or one for each tool result."""
    content = _content(message.content)
    name = message.additional_kwargs.get("name")
    fields: dict[str, Any] = {"name": name} if isinstance(name, str) else {}
    if message.role in MODEL_ROLES:
        calls = list(map(_call, calls_of(message)))
        valid = [call for call in calls if isinstance(call["args"], dict)]
        invalid = [{**call, "error": None} for call in calls if isinstance(call["args"], str)]
        return [AIMessage(content, tool_calls=valid, invalid_tool_calls=invalid, **fields)]
    if message.role is MessageRole.SYSTEM:
        return [SystemMessage(content, **fields)]
    if message.role is MessageRole.DEVELOPER:
        return [SystemMessage(content, additional_kwargs={OPENAI_ROLE: "developer"}, **fields)]
    if message.role is MessageRole.FUNCTION and fields:
        return [FunctionMessage(content=content, **fields)]
    messages: list[BaseMessage] = [
        ToolMessage(_content(result.content), tool_call_id=result.id, name=result.name)
        for result in results_of(message)
    ]
    if message.role is MessageRole.USER and (content or not messages):
        messages.append(HumanMessage(content, **fields))
    return messages


def _call(call: Call) -> dict[str, Any]:
    arguments = parse_arguments(call.arguments)
    # Text that is not a JSON object stays as the model wrote it: an invalid call.
    args = arguments if isinstance(arguments, dict) else call.arguments
    return {"name": call.name, "args": args, "id": call.id}


def _content(content: str | list[ContentBlock] | None) -> Content:
    return content if isinstance(content, str) else list(_blocks(content or [])) or ""


def _blocks(blocks: Iterable[ContentBlock]) -> Iterator[dict[str, Any]]:
    for fields in common_blocks(blocks):
        kind = fields["type"]
        if kind == "text":
            yield fields
        elif kind == "thinking":
            signature = fields.get("signature")
            reasoning = {"type": "reasoning", "reasoning": fields["thinking"]}
            yield {**reasoning, "extras": {"signature": signature}} if signature else reasoning
        elif kind in _MEDIA:
            sources = {
                "url": fields.get("url"),
                "base64": fields.get("data"),
                "mime_type": fields.get("media_type"),
            }
            media = {name: value for name, value in sources.items() if value}
            yield {"type": _MEDIA[kind], **media}
