"""Messages of LangChain, made of the fields that all frameworks share."""

from __future__ import annotations

import json
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
from chatstore.core.tool_calls import Call, calls_of, results_of

_MEDIA = {"image": "image", "audio": "audio", "video": "video", "document": "file"}
OPENAI_ROLE = "__openai_role__"
"""The additional kwarg where langchain-openai keeps the developer's role."""

_SPEAKERS = {MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL}

Content = Any  # LangChain's: text, or a list of its standard blocks


def langchain_messages(message: ChatMessage) -> list[BaseMessage]:
    """Return what a message says: one message, or one for each result of a tool that it holds."""
    content = _content(message.content)
    name = message.additional_kwargs.get("name")
    fields: dict[str, Any] = {"name": name} if isinstance(name, str) else {}
    if message.role in _SPEAKERS:
        calls = list(map(_call, calls_of(message)))
        good = [call for call in calls if isinstance(call["args"], dict)]
        bad = [{**call, "error": None} for call in calls if isinstance(call["args"], str)]
        return [AIMessage(content, tool_calls=good, invalid_tool_calls=bad, **fields)]
    if message.role is MessageRole.SYSTEM:
        return [SystemMessage(content, **fields)]
    if message.role is MessageRole.DEVELOPER:
        return [
            SystemMessage(content, additional_kwargs={"__openai_role__": "developer"}, **fields)
        ]
    if message.role is MessageRole.FUNCTION and fields:
        return [FunctionMessage(content=content, **fields)]
    results = results_of(message)
    made: list[BaseMessage] = [
        ToolMessage(_content(result.content), tool_call_id=result.id, name=result.name)
        for result in results
    ]
    if message.role is MessageRole.USER and (content or not made):
        made.append(HumanMessage(content, **fields))
    return made


def _call(call: Call) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        arguments = None
    # What the model wrote, where it is no object.
    given = arguments if isinstance(arguments, dict) else call.arguments
    return {"name": call.name, "args": given, "id": call.id}


def _content(content: str | list[ContentBlock] | None) -> Content:
    return content if isinstance(content, str) else list(_blocks(content or [])) or ""


def _blocks(blocks: Iterable[ContentBlock]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        fields = block.model_dump(mode="json")
        if block.type == "text":
            yield {"type": "text", "text": fields["text"]}
        elif block.type == "thinking":
            signature = fields.get("signature")
            said = {"type": "reasoning", "reasoning": fields["thinking"]}
            yield {**said, "extras": {"signature": signature}} if signature else said
        elif block.type in _MEDIA:
            known = {
                "url": fields.get("url"),
                "base64": fields.get("data"),
                "mime_type": fields.get("media_type"),
            }
            media = {name: value for name, value in known.items() if value}
            yield {"type": _MEDIA[block.type], **media}
