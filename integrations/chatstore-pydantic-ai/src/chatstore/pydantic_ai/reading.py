"""Messages of Pydantic AI, made of the fields that all frameworks share."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

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
from chatstore.core.tool_calls import calls_of, results_of

_MEDIA = (ImageBlock, AudioBlock, VideoBlock, DocumentBlock)
_ANSWERERS = {MessageRole.TOOL, MessageRole.FUNCTION}
_PROMPTERS = {MessageRole.SYSTEM, MessageRole.DEVELOPER}


def model_message(message: ChatMessage, tools: Mapping[str, str]) -> ModelMessage | None:
    """Return what a message says, or ``None`` where it says nothing.

    Args:
        message: A message that any framework wrote.
        tools: The names of the tools called so far, by the ids of the calls.

    """
    when = message.created_at or datetime.now(timezone.utc)
    blocks = _blocks(message)
    if message.role in _PROMPTERS:
        text = "\n".join(block.text for block in blocks if isinstance(block, TextBlock))
        part = SystemPromptPart(text, timestamp=when)
        return ModelRequest([part], timestamp=when) if text else None
    if message.role is MessageRole.USER or message.role in _ANSWERERS:
        parts: list[ModelRequestPart] = [
            ToolReturnPart(
                result.name or tools.get(result.id, "unknown"),
                _user_content(result.content),
                result.id,
                timestamp=when,
            )
            for result in results_of(message)
        ]
        if message.role is MessageRole.USER and (words := _user_content(blocks)):
            parts.append(UserPromptPart(words, timestamp=when))
        return ModelRequest(parts, timestamp=when) if parts else None
    said = _response_parts(message, blocks)
    return ModelResponse(said, timestamp=when) if said else None


def _blocks(message: ChatMessage) -> list[ContentBlock]:
    if isinstance(message.content, str):
        return [_text(message.content)] if message.content else []
    return list(message.content or [])


def _text(text: str) -> ContentBlock:
    return TextBlock.model_validate({"type": "text", "text": text})


def _response_parts(
    message: ChatMessage, blocks: Iterable[ContentBlock]
) -> list[ModelResponsePart]:
    parts: list[ModelResponsePart] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            parts.append(TextPart(block.text))
        elif isinstance(block, ThinkingBlock):
            parts.append(ThinkingPart(block.thinking, signature=block.signature))
        elif isinstance(block, _MEDIA) and (binary := _binary(block)) is not None:
            parts.append(FilePart(binary))
    parts.extend(ToolCallPart(call.name, call.arguments, call.id) for call in calls_of(message))
    return parts


def _user_content(content: str | Iterable[ContentBlock]) -> str | list[UserContent]:
    """Return text where there is nothing else, else a list."""
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
