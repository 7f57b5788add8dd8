"""Conversion of messages in the files of LlamaIndex's ``SimpleChatStore``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIELDS = {
    # LlamaIndex's name: this package's, by type of block; other fields keep their names
    "image": {"image": "data", "image_mimetype": "media_type"},
    "audio": {"audio": "data"},
    "video": {"video": "data", "video_mimetype": "media_type"},
    "document": {"data": "data", "document_mimetype": "media_type", "title": "name"},
    "thinking": {"content": "thinking"},
    "tool_call": {"tool_call_id": "id", "tool_name": "name", "tool_kwargs": "arguments"},
}


def bodies_from_llama_index(messages: object) -> list[Any]:
    """Return messages as bodies; what is not a message stays as it is, to be reported later."""
    return [_message(item) for item in messages] if isinstance(messages, list) else [messages]


def _message(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    body: dict[str, Any] = {"v": 1, "role": item.get("role")}
    blocks = item.get("blocks")
    body["content"] = item.get("content") if blocks is None else _content(blocks)
    body["additional_kwargs"] = item.get("additional_kwargs") or {}
    return body


def _content(blocks: Any) -> Any:
    if not isinstance(blocks, list) or not all(isinstance(block, Mapping) for block in blocks):
        return blocks
    if not blocks:
        return None
    if len(blocks) == 1 and blocks[0].get("block_type") == "text":
        return blocks[0].get("text")
    return [_block(block) for block in blocks]


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(block.get("block_type"))
    names = _FIELDS.get(kind, {})
    fields = {
        names.get(name, name): value
        for name, value in block.items()
        if name != "block_type" and value is not None
    }
    if kind == "tool_call" and not fields.get("id"):
        fields["id"] = ""  # LlamaIndex allows a call without an id
    return {"type": kind, **fields}
