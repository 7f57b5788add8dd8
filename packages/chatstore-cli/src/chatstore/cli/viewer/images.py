"""Images that messages contain as data: bitmaps in four formats that browsers only decode.

The bytes decide about the format, not what a message claims. SVG is a document that can contain
scripts and references, so it is not shown; nor is anything loaded from an address.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any, NamedTuple

from chatstore.core import ContentBlock

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_LONGEST = 12  # bytes that tell the format
_PREFIX = 64  # characters of base64 that certainly contain them


class Media(NamedTuple):
    """What a block contains: base64 text, or an address."""

    data: str | None
    media_type: str | None
    url: str | None


def media_of(block: ContentBlock) -> Media:
    """Return the data or the address of a block, in the forms of this package and of providers."""
    fields = block.model_dump()
    source = fields.get("source")  # Anthropic's
    if isinstance(source, dict):
        fields = {**source, "media_type": source.get("media_type")}
    address = fields.get("image_url")  # OpenAI's
    url = address.get("url") if isinstance(address, dict) else address or fields.get("url")
    data, media_type = fields.get("data"), fields.get("media_type")
    if isinstance(url, str) and url[:5].lower() == "data:":
        head, _, data = url[5:].partition(",")
        media_type, _, _ = head.partition(";")
        url = None
    return Media(_text(data), _text(media_type), _text(url))


def image_type(data: str) -> str | None:
    """Return the media type of an image from the beginning of its base64 text."""
    try:
        start = b64decode(data[:_PREFIX])[:_LONGEST]
    except (binascii.Error, ValueError):
        return None
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((name for signature, name in _SIGNATURES if start.startswith(signature)), None)


def decode_image(data: str) -> tuple[bytes, str] | None:
    """Return the bytes and the type of an image; ``None`` if it is not one that is shown."""
    kind = image_type(data)
    try:
        return None if kind is None else (b64decode(data), kind)
    except (binascii.Error, ValueError):
        return None


def byte_size(data: str) -> int:
    """Return about how many bytes a base64 text contains."""
    return len(data) * 3 // 4


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
