"""Make Pydantic AI's messages of the fields that all frameworks share."""

from __future__ import annotations

import base64
from collections.abc import Iterable
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
from chatstore.core.contents import text_of
from chatstore.core.converters.content import typed_blocks
from chatstore.core.memory.window import PINNED_ROLES
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import TOOL_ROLES, calls_of, results_of

_MEDIA = (ImageBlock, AudioBlock, VideoBlock, DocumentBlock)


def model_message(message: ChatMessage, index: int, ids: CallIds) -> ModelMessage | None:
    """Return a message for the common fields, or ``None`` if it has nothing to send.

    Args:
        message: A message of any framework.
        index: Its index in the list that ``ids`` were made for.
        ids: The ids and tools of the list's calls.

    """
    timestamp = message.created_at or datetime.now(timezone.utc)
    blocks = typed_blocks(message.content)
    if message.role in PINNED_ROLES:
        text = text_of(blocks)
        part = SystemPromptPart(text, timestamp=timestamp)
        return ModelRequest([part], timestamp=timestamp) if text else None
    if message.role is MessageRole.USER or message.role in TOOL_ROLES:
        parts: list[ModelRequestPart] = []
        for number, result in enumerate(results_of(message)):
            call = ids.results.get((index, number), result.id or f"unknown-{index}-{number}")
            tool = result.name or ids.tools.get(call) or "unknown"
            content = _user_content(result.content)
            parts.append(ToolReturnPart(tool, content, call, timestamp=timestamp))
        if message.role is MessageRole.USER and (prompt := _user_content(message.content or "")):
            parts.append(UserPromptPart(prompt, timestamp=timestamp))
        return ModelRequest(parts, timestamp=timestamp) if parts else None
    calls = [
        ToolCallPart(call.name or "unknown", call.arguments, ids.calls[index, number])
        for number, call in enumerate(calls_of(message))
    ]
    response = [*_response_parts(blocks), *calls]
    return ModelResponse(response, timestamp=timestamp) if response else None


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
    """Return text if that is the only item, otherwise a list."""
    if isinstance(content, str):
        return content
    items: list[UserContent] = []
    for block in typed_blocks(content):
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
    defaults = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}
    media_type = block.media_type or defaults.get(block.type, "application/octet-stream")
    try:
        data = base64.b64decode(block.data or "", validate=True)
    except ValueError:
        return None
    return BinaryContent(data, media_type=media_type) if data else None
