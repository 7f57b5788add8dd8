"""Convert messages of Strands to the fields that all frameworks share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.contents import BlockFields, simplify
from chatstore.core.tool_calls import Call
from chatstore.strands.media import MEDIA, media_fields


def common_message(message: Mapping[str, Any], message_id: str) -> ChatMessage:
    """Return the text, media, reasoning, tool calls and results of a message.

    A message that is one result has the role ``tool``. Several results, and results of tools that
    failed, are blocks of a ``user`` message, as in Anthropic's format.

    Args:
        message: The message, with bytes as Strands' sessions encode them.
        message_id: The id of the stored message.

    Raises:
        ValueError: JSON cannot hold the message.

    """
    parts = message["content"]
    results = [part["toolResult"] for part in parts if "toolResult" in part]
    if len(results) == len(parts) == 1 and results[0].get("status") != "error":
        return ChatMessage(
            role="tool",
            content=_result(results[0]) or "",
            additional_kwargs={"tool_call_id": results[0]["toolUseId"]},
            id=message_id,
        )
    calls = [_call(part["toolUse"]) for part in parts if "toolUse" in part]
    return ChatMessage(
        role=MessageRole(message["role"]),
        content=simplify([*map(_result_block, results), *_blocks(parts)]),
        additional_kwargs={"tool_calls": calls} if calls else {},
        id=message_id,
    )


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(call["input"], ensure_ascii=False, allow_nan=False)
    return Call(call["toolUseId"], call["name"], arguments).to_openai()


def _result(result: Mapping[str, Any]) -> str | list[BlockFields] | None:
    return simplify(list(_blocks(result["content"])))


def _result_block(result: Mapping[str, Any]) -> BlockFields:
    block = {
        "type": "tool_result",
        "tool_use_id": result["toolUseId"],
        "content": _result(result) or "",
    }
    return {**block, "is_error": True} if result.get("status") == "error" else block


def _blocks(parts: Iterable[Mapping[str, Any]]) -> Iterator[BlockFields]:
    for part in parts:
        for kind, value in part.items():
            if kind in MEDIA:
                media = media_fields(kind, value)
                if media is not None:
                    yield media
            elif kind == "reasoningContent":
                yield from _reasoning(value)
            else:
                for text in _texts(kind, value):
                    yield {"type": "text", "text": text}


def _texts(kind: str, value: Any) -> Iterator[str]:
    if kind == "text":
        yield value
    elif kind == "json":
        yield json.dumps(value, ensure_ascii=False, allow_nan=False)
    elif kind == "guardContent":
        yield value["text"]["text"]
    elif kind == "citationsContent":
        yield from (content["text"] for content in value.get("content", ()) if "text" in content)


def _reasoning(value: Mapping[str, Any]) -> Iterator[BlockFields]:
    """Yield reasoning; what the provider encrypted is only in the payload."""
    reasoning = value.get("reasoningText") or {}
    if "text" in reasoning:
        block = {"type": "thinking", "thinking": reasoning["text"]}
        signature = reasoning.get("signature")
        yield {**block, "signature": signature} if signature else block
