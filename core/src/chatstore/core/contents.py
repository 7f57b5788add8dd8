"""Content as text or as blocks: helpers for adapters, which convert between both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from chatstore.core.blocks import ContentBlock, TextBlock

BlockFields: TypeAlias = dict[str, Any]
"""The fields of a content block, as JSON."""

_MEDIA_TYPES = ("image", "audio", "video")


def blocks_of(content: str | Sequence[ContentBlock] | None) -> list[ContentBlock]:
    """Return content as blocks; empty text has none."""
    if isinstance(content, str):
        return [TextBlock.model_validate({"type": "text", "text": content})] if content else []
    return list(content or ())


def text_of(blocks: Sequence[ContentBlock]) -> str:
    """Return the texts of the text blocks, one per line."""
    return "\n".join(block.text for block in blocks if isinstance(block, TextBlock))


def simplify(blocks: Sequence[BlockFields]) -> str | list[BlockFields] | None:
    """Return the text of a single text block, otherwise the blocks; ``None`` without blocks."""
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return list(blocks) or None


def media_block(data: str, media_type: str | None) -> BlockFields:
    """Return a block with data of a media type; what is not image, audio or video is a document.

    Args:
        data: Base64 text.
        media_type: Such as ``"image/png"``.

    """
    kind = (media_type or "").partition("/")[0]
    block_type = kind if kind in _MEDIA_TYPES else "document"
    return {"type": block_type, "data": data, "media_type": media_type}
