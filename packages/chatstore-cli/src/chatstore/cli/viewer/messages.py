"""Messages as the page shows them: JSON of text, trees of Markdown, tool calls and results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from chatstore.cli.clean import lines, one_line
from chatstore.cli.viewer import markdown
from chatstore.cli.viewer.images import Media, byte_size, image_type, media_of
from chatstore.core import ChatMessage, ContentBlock, TextBlock, ThinkingBlock, TokenCounter
from chatstore.core.memory.summaries import is_summary
from chatstore.core.messages import PAYLOADS_KEY
from chatstore.core.tool_calls import (
    CALL_BLOCKS,
    RESULT_BLOCKS,
    Call,
    calls_of,
    parse_arguments,
    results_of,
)

Json = dict[str, Any]

MARKDOWN_LIMIT = 20_000
"""Longer texts are shown as they are: parsing them would take the server long."""

TEXT_LIMIT = 50_000
"""The most characters of a text in a page of messages; the page can request the whole text."""

_CALLS_AND_RESULTS = {*CALL_BLOCKS, *RESULT_BLOCKS}
_SHOWN_ELSEWHERE = {"tool_calls", "function_call", "tool_call_id", "name", PAYLOADS_KEY}


class MessageView:
    """Makes the JSON of messages."""

    def __init__(self, counter: TokenCounter, *, is_whole: bool = False) -> None:
        """Take what counts tokens; ``is_whole``: texts are never cut."""
        self._counter = counter
        self._limit = None if is_whole else TEXT_LIMIT

    def show(self, message: ChatMessage) -> Json:
        """Return what the page shows of a message."""
        return {
            "id": message.id,
            "role": message.role.value,
            "name": one_line(_name(message)),
            "created_at": None if message.created_at is None else message.created_at.isoformat(),
            "tokens": self._counter.count(message),
            "is_summary": is_summary(message),
            "parts": self._parts(_own_blocks(message)),
            "calls": [self._call(call) for call in calls_of(message)],
            "results": [
                {
                    "id": result.id,
                    "name": one_line(result.name or ""),
                    "parts": self._result_parts(result.content),
                }
                for result in results_of(message)
            ],
            "fields": self._fields(message),
        }

    def _call(self, call: Call) -> Json:
        arguments = self._text(_pretty(parse_arguments(call.arguments)))
        return {"id": call.id, "name": one_line(call.name), "arguments": arguments}

    def _parts(self, blocks: Iterable[ContentBlock]) -> list[Json]:
        return [self._part(block) for block in blocks]

    def _part(self, block: ContentBlock) -> Json:
        if isinstance(block, TextBlock):
            return self._markdown(block.text)
        if isinstance(block, ThinkingBlock):
            return {"kind": "thinking", "part": self._markdown(block.thinking)}
        media = media_of(block)
        if media.data is not None or media.url is not None:
            return _media_part(block.type, media)
        return {"kind": "fields", "label": one_line(block.type), "part": self._json(block)}

    def _result_parts(self, content: str | Sequence[ContentBlock]) -> list[Json]:
        if isinstance(content, str):
            return [self._text(_pretty(parse_arguments(content)))]
        return [
            self._text(block.text) if isinstance(block, TextBlock) else self._part(block)
            for block in content
        ]

    def _markdown(self, text: str) -> Json:
        if len(text) > MARKDOWN_LIMIT:
            return self._text(text)
        return {"kind": "markdown", "nodes": markdown.render(lines(text))}

    def _text(self, text: str) -> Json:
        cut = text if self._limit is None else text[: self._limit]
        part: Json = {"kind": "text", "text": lines(cut)}
        return part if len(cut) == len(text) else {**part, "length": len(text)}

    def _json(self, block: ContentBlock) -> Json:
        return self._text(_pretty(block.model_dump()))

    def _fields(self, message: ChatMessage) -> list[Json]:
        """Return what the message has besides, as JSON."""
        kwargs = message.additional_kwargs.items()
        fields = {
            "additional_kwargs": {
                name: value for name, value in kwargs if name not in _SHOWN_ELSEWHERE
            },
            "metadata": message.metadata,
        }
        return [
            {"kind": "fields", "label": label, "part": self._text(_pretty(value))}
            for label, value in fields.items()
            if value
        ]


def find_image(message: ChatMessage, digest: str) -> str | None:
    """Return the base64 text of the image with a digest; ``None`` if the message has no such."""
    blocks = [*_blocks(message.content)]
    for result in results_of(message):
        blocks += _blocks(result.content)
    for block in blocks:
        data = media_of(block).data
        if data is not None and _digest(data) == digest:
            return data
    return None


def _own_blocks(message: ChatMessage) -> list[ContentBlock]:
    """Return the blocks that are neither calls nor results."""
    blocks = _blocks(message.content)
    own = [block for block in blocks if block.type not in _CALLS_AND_RESULTS]
    has_result_blocks = any(block.type in RESULT_BLOCKS for block in blocks)
    return [] if results_of(message) and not has_result_blocks else own


def _blocks(content: str | Sequence[ContentBlock] | None) -> list[ContentBlock]:
    if isinstance(content, str):
        return [TextBlock(text=content)] if content else []
    return list(content or ())


def _name(message: ChatMessage) -> str:
    name = message.additional_kwargs.get("name")
    return name if isinstance(name, str) else ""


def _media_part(kind: str, media: Media) -> Json:
    if media.data is not None and image_type(media.data) is not None:
        return {"kind": "image", "digest": _digest(media.data), "size": byte_size(media.data)}
    if media.data is not None:
        return {
            "kind": "file",
            "label": one_line(media.media_type or kind),
            "size": byte_size(media.data),
        }
    return {"kind": "file", "label": one_line(f"{kind} at {media.url}")}


def _digest(data: str) -> str:
    return hashlib.blake2b(data.encode(), digest_size=16).hexdigest()


def _pretty(value: Any) -> str:
    """Return a text as it is, and JSON with indentation."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
