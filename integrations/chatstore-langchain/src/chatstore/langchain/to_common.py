"""Convert LangChain's messages to the fields that all frameworks share."""

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
from langchain_core.messages import ChatMessage as CustomRoleMessage

from chatstore.core import MessageRole
from chatstore.core.contents import BlockFields, simplify
from chatstore.core.tool_calls import Call
from chatstore.langchain.from_common import OPENAI_ROLE

_MEDIA = {"image": "image", "audio": "audio", "video": "video", "file": "document"}
_ROLES = {role.value for role in MessageRole}


def common_fields(message: BaseMessage) -> dict[str, Any]:
    """Return role, content and additional kwargs.

    Tool calls are in OpenAI's form. Providers' blocks that LangChain does not translate are only
    in the payload.
    """
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
    # LangChain requires content: with calls, empty text means that there is no text.
    content = _content(message) or None if calls else _content(message)
    return {"role": _role(message), "content": content, "additional_kwargs": kwargs}


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
    if isinstance(message, CustomRoleMessage) and message.role in _ROLES:
        return message.role
    return "user"


def _call(call: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    return Call(call["id"] or "", call["name"] or "", arguments).to_openai()


def _content(message: BaseMessage) -> str | list[BlockFields] | None:
    if isinstance(message.content, str):
        return message.content
    try:
        blocks = [
            converted for block in message.content_blocks for converted in _convert_block(block)
        ]
    except (KeyError, AttributeError, TypeError, ValueError, IndexError):
        blocks = []  # LangChain cannot translate them; they are in the payload
    if isinstance(message, AIMessage):  # do not repeat calls of `tool_calls` as blocks
        ids = {call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)}
        blocks = [b for b in blocks if b["type"] != "tool_use" or b["id"] not in ids]
    return simplify(blocks)


def _convert_block(block: Mapping[str, Any]) -> Iterator[BlockFields]:
    kind = block["type"]
    if kind in {"text", "text-plain"} and isinstance(block.get("text"), str):
        yield {"type": "text", "text": block["text"]}
    elif kind == "reasoning" and isinstance(block.get("reasoning"), str):
        signature = (block.get("extras") or {}).get("signature")
        thinking = {"type": "thinking", "thinking": block["reasoning"]}
        yield {**thinking, "signature": signature} if isinstance(signature, str) else thinking
    elif kind in _MEDIA and (block.get("url") or block.get("base64")):
        fields = {
            "url": block.get("url"),
            "data": block.get("base64"),
            "media_type": block.get("mime_type"),
        }
        media = {name: value for name, value in fields.items() if value}
        yield {"type": _MEDIA[kind], **media}
    elif kind == "non_standard" and isinstance(block.get("value"), Mapping):
        yield from _convert_tool_block(block["value"])


def _convert_tool_block(block: Mapping[str, Any]) -> Iterator[BlockFields]:
    """Yield Anthropic's calls and results, which LangChain does not translate."""
    if block.get("type") == "tool_use" and isinstance(block.get("id"), str):
        yield {name: block[name] for name in ("type", "id", "name", "input") if name in block}
    elif block.get("type") == "tool_result" and isinstance(block.get("tool_use_id"), str):
        yield dict(block)
