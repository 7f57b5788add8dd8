"""What LlamaIndex's messages say in the fields that all frameworks share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_MEDIA = {
    # the kind of block: its data, and the type of its data
    "image": ("image", "image_mimetype"),
    "audio": ("audio", "format"),
    "video": ("video", "video_mimetype"),
    "document": ("data", "document_mimetype"),
}


def common_fields(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return role, content and additional kwargs of a message that was dumped as JSON.

    Calls of tools are written as OpenAI writes them. One without an id gets its tool's name, which
    integrations such as Ollama's write as the id of the result. Cache points, citations and files
    that are on this machine only are left to the native payload.
    """
    kwargs = dict(payload["additional_kwargs"])
    calls = list(_calls(payload["blocks"]))
    if calls and "tool_calls" not in kwargs:
        kwargs["tool_calls"] = calls
    return {
        "role": payload["role"],
        "content": _content(list(_blocks(payload["blocks"]))),
        "additional_kwargs": kwargs,
    }


def _content(blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]] | None:
    """Return text where there is nothing else, else blocks."""
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return blocks or None


def _calls(blocks: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if block["block_type"] == "tool_call":
            kwargs = block["tool_kwargs"]
            arguments = kwargs if isinstance(kwargs, str) else json.dumps(kwargs)
            function = {"name": block["tool_name"], "arguments": arguments}
            identity = block["tool_call_id"] or block["tool_name"]
            yield {"id": identity, "type": "function", "function": function}


def _blocks(blocks: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        kind = block["block_type"]
        if kind == "text":
            yield {"type": "text", "text": block["text"]}
        elif kind in _MEDIA:
            yield from _media(kind, block)
        elif kind == "thinking" and block["content"]:
            signature = block["additional_information"].get("signature")
            said = {"type": "thinking", "thinking": block["content"]}
            yield {**said, "signature": signature} if isinstance(signature, str) else said
        elif kind == "citable":
            yield from _blocks(block["content"])


def _media(kind: str, block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    data, media_type = (block[name] for name in _MEDIA[kind])
    if kind == "audio" and media_type:
        media_type = f"audio/{media_type}"
    fields = {"url": block["url"], "data": data, "media_type": media_type}
    if kind == "document":
        fields["name"] = block["title"]
    if data or block["url"]:
        yield {"type": kind, **{name: value for name, value in fields.items() if value}}
