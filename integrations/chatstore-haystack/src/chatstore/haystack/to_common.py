"""Convert Haystack's messages to the fields that all frameworks share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.contents import BlockFields, media_block, simplify
from chatstore.core.tool_calls import Call


def common_message(payload: Mapping[str, Any], message_id: str) -> ChatMessage:
    """Return the text, media, reasoning, tool calls and results of a message.

    Several results in one message are blocks of a ``user`` message, as in Anthropic's format.

    Args:
        payload: What Haystack's ``ChatMessage.to_dict`` returned.
        message_id: The id of the message.

    Raises:
        ValueError: JSON cannot hold the message.

    """
    role, name, parts = payload["role"], payload["name"], payload["content"]
    kwargs: dict[str, Any] = {} if name is None else {"name": name}
    content: str | list[BlockFields] | None
    results = [part["tool_call_result"] for part in parts if "tool_call_result" in part]
    if len(results) == len(parts) == 1:
        origin = results[0]["origin"]
        kwargs = {"tool_call_id": _call_id(origin), "name": origin["tool_name"]}
        role, content = "tool", _result(results[0])
    else:
        content = simplify([*map(_result_block, results), *_blocks(parts)])
        role = "user" if results else role
        calls = [_call(part["tool_call"]).to_openai() for part in parts if "tool_call" in part]
        if calls:
            kwargs["tool_calls"] = calls
    return ChatMessage(
        role=MessageRole(role), content=content, additional_kwargs=kwargs, id=message_id
    )


def _call_id(call: Mapping[str, Any]) -> str:
    """Return a call's id, or one made of its tool and arguments, which its result repeats."""
    call_id = call["id"]
    if call_id is not None:
        return str(call_id)
    text = json.dumps([call["tool_name"], call["arguments"]], sort_keys=True)
    return "call-" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _call(call: Mapping[str, Any]) -> Call:
    arguments = json.dumps(call["arguments"], ensure_ascii=False)
    return Call(_call_id(call), call["tool_name"], arguments)


def _result(result: Mapping[str, Any]) -> str | list[BlockFields]:
    content = result["result"]
    return content if isinstance(content, str) else list(_blocks(content))


def _result_block(result: Mapping[str, Any]) -> BlockFields:
    call_id = _call_id(result["origin"])
    return {"type": "tool_result", "tool_use_id": call_id, "content": _result(result)}


def _blocks(parts: Iterable[Mapping[str, Any]]) -> Iterable[BlockFields]:
    for part in parts:
        if "text" in part:
            yield {"type": "text", "text": part["text"]}
        elif "reasoning" in part:
            yield {"type": "thinking", "thinking": part["reasoning"]["reasoning_text"]}
        elif "image" in part:
            image = part["image"]
            data, media_type = image["base64_image"], image["mime_type"]
            yield {"type": "image", "data": data, "media_type": media_type}
        elif "file" in part:
            file = part["file"]
            block = media_block(file["base64_data"], file["mime_type"])
            yield {**block, "name": file["filename"]} if block["type"] == "document" else block
