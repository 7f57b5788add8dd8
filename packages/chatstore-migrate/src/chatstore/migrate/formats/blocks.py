"""Content of messages as text, and as parts of a transcript."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from chatstore.core import ChatMessage, ContentBlock
from chatstore.core.converters.content import common_block, media_type_of
from chatstore.core.tool_calls import (
    CALL_BLOCKS,
    RESULT_BLOCKS,
    calls_of,
    result_references,
    results_of,
)

_ROLE_NAMES = {"user": "User", "system": "System", "developer": "Developer"}
_ROLE_NAMES |= {"tool": "Tool result", "function": "Tool result"}


class Part(NamedTuple):
    """A part of a message in a transcript.

    Attributes:
        kind: What it is.
        text: The text; for media what it is, such as its name or address.
        name: The tool of a call or a result.
        data_url: The address of media that are in the message itself.

    """

    kind: Literal["text", "thinking", "call", "result", "media"]
    text: str
    name: str = ""
    data_url: str | None = None


def role_name(message: ChatMessage) -> str:
    """Return the name of a message's author for readers."""
    return _ROLE_NAMES.get(message.role.value, "Assistant")


def parts_of(message: ChatMessage) -> Iterator[Part]:
    """Return the parts of a message, in its order."""
    results = results_of(message)
    if results and not isinstance(message.content, list):
        yield from (Part("result", plain_text(one.content), one.name or "") for one in results)
    elif isinstance(message.content, str):
        yield Part("text", message.content)
    else:
        names = iter(result_references(message))
        for block in message.content or []:
            if block.type in RESULT_BLOCKS:
                result = results.pop(0)
                name = next(names).name
                yield Part("result", plain_text(result.content), result.name or name)
            elif block.type not in CALL_BLOCKS:
                yield from _block_parts(block)
    for call in calls_of(message):
        yield Part("call", call.arguments, call.name)


def plain_text(content: str | Iterable[ContentBlock] | None) -> str:
    """Return the text of content; what is not text is named in brackets."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = (part for block in content for part in _block_parts(block))
    return "\n".join(f"[{one.text}]" if one.kind == "media" else one.text for one in parts)


def _block_parts(block: ContentBlock) -> Iterator[Part]:
    fields = block.model_dump()
    common = common_block(fields)
    if common is None:
        text = fields.get("text")
        body = {name: value for name, value in fields.items() if value is not None}
        yield Part("text", text if isinstance(text, str) else json.dumps(body, ensure_ascii=False))
    elif common["type"] == "text":
        yield Part("text", str(common["text"]))
    elif common["type"] == "thinking":
        yield Part("thinking", str(common["thinking"]))
    else:
        yield _media(common, fields)


def _media(block: dict[str, Any], fields: dict[str, Any]) -> Part:
    source = fields.get("source")
    if isinstance(source, dict) and source.get("type") == "text":
        return Part("text", f"{block.get('name') or 'document'}:\n{source.get('data')}")
    name = block.get("name") or block.get("url") or f"{media_type_of(block)}, in the message"
    data_url = f"data:{media_type_of(block)};base64,{block['data']}" if block.get("data") else None
    return Part("media", f"{block['type']}: {name}", data_url=data_url)
