"""Messages of Pydantic AI, made of the fields that all frameworks share."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import NamedTuple

from pydantic_ai.messages import (
    AudioUrl,
    BinaryContent,
    DocumentUrl,
    FilePart,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
    VideoUrl,
)

from chatstore.core import (
    AudioBlock,
    ChatMessage,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    VideoBlock,
)
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import calls_of, results_of

_MEDIA = (ImageBlock, AudioBlock, VideoBlock, DocumentBlock)
_ANSWERERS = {MessageRole.TOOL, MessageRole.FUNCTION}
_PROMPTERS = {MessageRole.SYSTEM, MessageRole.DEVELOPER}


class CallNames(NamedTuple):
    """What the calls of a list of messages are called.

    Attributes:
        ids: The ids of calls, and of the calls that results answer.
        tools: The names of tools by the ids of calls: results do not always tell them.

    """

    ids: CallIds
    tools: Mapping[str, str]


def model_message(message: ChatMessage, place: int, names: CallNames) -> ModelMessage | None:
    """Return what a message of any framework says, or ``None`` if it says nothing.

    Args:
        message: The message.
        place: Its place in the list that ``names`` were made of.
        names: The ids and tools of the list's calls.

    """
    when = message.created_at or datetime.now(timezone.utc)
    blocks = _blocks(message)
    if message.role in _PROMPTERS:
        text = "\n".join(block.text for block in blocks if isinstance(block, TextBlock))
        part = SystemPromptPart(text, timestamp=when)
        return ModelRequest([part], timestamp=when) if text else None
    if message.role is MessageRole.USER or message.role in _ANSWERERS:
        parts: list[ModelRequestPart] = []
        for number, result in enumerate(results_of(message)):
            call = names.ids.results.get((place, number), result.id or f"unknown-{place}-{number}")
            tool = result.name or names.tools.get(call) or "unknown"
            content = _user_content(result.content)
            parts.append(ToolReturnPart(tool, content, call, timestamp=when))
        if message.role is MessageRole.USER and (words := _user_content(blocks)):
            parts.append(UserPromptPart(words, timestamp=when))
        return ModelRequest(parts, timestamp=when) if parts else None
    calls = [
        ToolCallPart(call.name or "unknown", call.arguments, names.ids.calls[place, number])
        for number, call in enumerate(calls_of(message))
    ]
    response = [*_response_parts(blocks), *calls]
    return ModelResponse(response, timestamp=when) if response else None


def _blocks(message: ChatMessage) -> list[ContentBlock]:
    if isinstance(message.content, str):
        return [_text(message.content)] if message.content else []
    return list(message.content or [])


def _text(text: str) -> ContentBlock:
    return TextBlock.model_validate({"type": "text", "text": text})


def _response_parts(blocks: Iterable[ContentBlock]) -> list[ModelResponsePart]:
    parts: list[ModelResponsePart] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            parts.append(TextPart(block.text))
        elif isinstance(block, ThinkingBlock):
            parts.append(ThinkingPart(block.thinking, signature=block.signature))
        elif isinstance(block, _MEDIA) and (binary := _binary(block)) is not None:
            parts.append(FilePart(binary))
    return parts


def _user_content(content: str | Iterable[ContentBlock]) -> str | list[UserContent]:
    """Return text if there is nothing else, otherwise a list."""
    if isinstance(content, str):
        return content
    items: list[UserContent] = []
    for block in content:
        if isinstance(block, TextBlock):
            items.append(block.text)
        elif isinstance(block, _MEDIA):
            item = _by_url(block) if block.url else _binary(block)
            if item is not None:
                items.append(item)
    if len(items) == 1 and isinstance(items[0], str):
        return items[0]
    return items


def _by_url(block: ContentBlock) -> UserContent | None:
    if isinstance(block, ImageBlock) and block.url:
        return ImageUrl(block.url, media_type=block.media_type)
    if isinstance(block, AudioBlock) and block.url:
        return AudioUrl(block.url, media_type=block.media_type)
    if isinstance(block, VideoBlock) and block.url:
        return VideoUrl(block.url, media_type=block.media_type)
    if isinstance(block, DocumentBlock) and block.url:
        return DocumentUrl(block.url, media_type=block.media_type)
    return None


def _binary(block: ImageBlock | AudioBlock | VideoBlock | DocumentBlock) -> BinaryContent | None:
    kinds = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}
    media_type = block.media_type or kinds.get(block.type, "application/octet-stream")
    try:
        data = base64.b64decode(block.data or "", validate=True)
    except ValueError:
        return None
    return BinaryContent(data, media_type=media_type) if data else None
