"""Convert LlamaIndex's messages to the fields that all frameworks share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chatstore.core.contents import BlockFields, simplify
from chatstore.core.tool_calls import Call

_MEDIA = {
    # the type of the block: the fields with its data and with the data's type
    "image": ("image", "image_mimetype"),
    "audio": ("audio", "format"),
    "video": ("video", "video_mimetype"),
    "document": ("data", "document_mimetype"),
}


def common_fields(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return role, content and additional kwargs of a message, given as JSON.

    Tool calls are in OpenAI's form. A call without an id gets its tool's name, which integrations
    such as Ollama's write as the id of the result. Cache points, citations and local files are
    only in the payload.
    """
    kwargs = dict(payload["additional_kwargs"])
    calls = list(_calls(payload["blocks"]))
    if calls and "tool_calls" not in kwargs:
        kwargs["tool_calls"] = calls
    return {
        "role": payload["role"],
        "content": simplify(list(_blocks(payload["blocks"]))),
        "additional_kwargs": kwargs,
    }


def _calls(blocks: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if block["block_type"] == "tool_call":
            name, kwargs = block["tool_name"], block["tool_kwargs"]
            arguments = kwargs if isinstance(kwargs, str) else json.dumps(kwargs)
            yield Call(block["tool_call_id"] or name, name, arguments).to_openai()


def _blocks(blocks: Iterable[Mapping[str, Any]]) -> Iterator[BlockFields]:
    for block in blocks:
        kind = block["block_type"]
        if kind == "text":
            yield {"type": "text", "text": block["text"]}
        elif kind in _MEDIA:
            yield from _media(kind, block)
        elif kind == "thinking" and block["content"]:
            signature = block["additional_information"].get("signature")
            thinking = {"type": "thinking", "thinking": block["content"]}
            yield {**thinking, "signature": signature} if isinstance(signature, str) else thinking
        elif kind == "citable":
            yield from _blocks(block["content"])


def _media(kind: str, block: Mapping[str, Any]) -> Iterator[BlockFields]:
    data, media_type = (block[name] for name in _MEDIA[kind])
    if kind == "audio" and media_type:
        media_type = f"audio/{media_type}"
    fields = {"url": block["url"], "data": data, "media_type": media_type}
    if kind == "document":
        fields["name"] = block["title"]
    if data or block["url"]:
        yield {"type": kind, **{name: value for name, value in fields.items() if value}}
