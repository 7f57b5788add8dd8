"""What LangChain's messages say in the fields that all frameworks share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages import ChatMessage as NamedRoleMessage

from chatstore.core import MessageRole
from chatstore.langchain.reading import OPENAI_ROLE

_MEDIA = {"image": "image", "audio": "audio", "video": "video", "file": "document"}
_ROLES = {role.value for role in MessageRole}


def common_fields(message: BaseMessage) -> dict[str, Any]:
    """Return role, content and additional kwargs.

    Calls of tools are written as OpenAI writes them. Blocks of providers that LangChain does not
    translate are left to the native payload.
    """
    role = _role(message)
    kwargs: dict[str, Any] = {}
    calls: list[dict[str, Any]] = []
    if isinstance(message, ToolMessage):
        kwargs["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        kwargs["name"] = message.name
    if isinstance(message, AIMessage):
        calls = [
            _call(call, json.dumps(call["args"], allow_nan=False)) for call in message.tool_calls
        ]
        calls += [_call(call, call["args"] or "") for call in message.invalid_tool_calls]
    if calls:
        kwargs["tool_calls"] = calls
    # LangChain has no messages without content: beside calls, it is the empty text.
    content = _content(message) or None if calls else _content(message)
    return {"role": role, "content": content, "additional_kwargs": kwargs}


def _role(message: BaseMessage) -> str:
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, ToolMessage):
        return "tool"
    if isinstance(message, FunctionMessage):
        return "function"
    if isinstance(message, SystemMessage):
        is_developer = message.additional_kwargs.get(OPENAI_ROLE) == "developer"
        return "developer" if is_developer else "system"
    if isinstance(message, NamedRoleMessage) and message.role in _ROLES:
        return message.role
    return "user"


def _call(call: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    function = {"name": call["name"] or "", "arguments": arguments}
    return {"id": call["id"] or "", "type": "function", "function": function}


def _content(message: BaseMessage) -> str | list[dict[str, Any]] | None:
    """Return text where there is nothing else, else blocks."""
    if isinstance(message.content, str):
        return message.content
    try:
        blocks = [made for block in message.content_blocks for made in _block(block)]
    except (KeyError, AttributeError, TypeError, ValueError, IndexError):
        blocks = []  # LangChain cannot translate them; the native payload holds them
    if isinstance(message, AIMessage):  # a call is in one form only
        called = {call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)}
        blocks = [b for b in blocks if b["type"] != "tool_use" or b["id"] not in called]
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return blocks or None


def _block(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    kind = block["type"]
    if kind in {"text", "text-plain"} and isinstance(block.get("text"), str):
        yield {"type": "text", "text": block["text"]}
    elif kind == "reasoning" and isinstance(block.get("reasoning"), str):
        signature = (block.get("extras") or {}).get("signature")
        said = {"type": "thinking", "thinking": block["reasoning"]}
        yield {**said, "signature": signature} if isinstance(signature, str) else said
    elif kind in _MEDIA and (block.get("url") or block.get("base64")):
        fields = {
            "url": block.get("url"),
            "data": block.get("base64"),
            "media_type": block.get("mime_type"),
        }
        media = {name: value for name, value in fields.items() if value}
        yield {"type": _MEDIA[kind], **media}
    elif kind == "non_standard" and isinstance(block.get("value"), Mapping):
        yield from _tool_block(block["value"])


def _tool_block(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield Anthropic's calls and results in a content that LangChain does not translate."""
    if block.get("type") == "tool_use" and isinstance(block.get("id"), str):
        yield {name: block[name] for name in ("type", "id", "name", "input") if name in block}
    elif block.get("type") == "tool_result" and isinstance(block.get("tool_use_id"), str):
        yield dict(block)
