"""Distinguishes text and media in JSON that is sent to a model.

Media can be anywhere: in a block, in a tool result, in a provider's payload. Models do not read
their base64 as text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

MEDIA: Final = object()
"""Placeholder for one image, audio, video or file among texts."""

_KINDS = {
    *("image", "image_url", "input_image", "computer_screenshot", "image_generation_call"),
    *("audio", "audio_url", "input_audio", "video", "video_url", "input_video"),
    *("document", "document_url", "file", "input_file", "binary", "media", "base64"),
}
_HINTS = ("mime", "media_type", "mediatype", "format", "encoding", "transcript", "filename")
_BYTES = {"bytes", "base64", "b64_json", "base64_image", "base64_data", "image_base64", "blob"}
_ADDRESSES = {
    *("url", "uri", "file_id", "fileid", "file_uri", "fileuri", "image_url", "file_url", "source"),
    *("input_audio", "file", "video_url", "audio_url", "document_url", "fileid"),
}
_CAPTIONS = {"title", "context", "text", "transcript", "caption"}
_TEXT_TYPE = re.compile(r"text/|application/(?:[a-z.+-]*\+)?(?:json|xml|yaml|javascript|toml)\b")
_DATA_URL = re.compile(r"data:[^,]{0,200},\S*\s*")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]{40,}={0,2}\s*")
_SHORT = 40  # characters; shorter base64 cannot be distinguished from a word
_SAMPLE = 1000  # characters that are enough to recognize base64


def texts_of(value: Any) -> Iterator[Any]:
    """Yield the texts in a JSON value (strings, names, numbers), and `MEDIA` for each medium."""
    stack = [value]
    while stack:  # nested JSON may be deeper than Python's stack
        item = stack.pop()
        if isinstance(item, str):
            if item:
                yield MEDIA if is_data_url(item) else item
        elif isinstance(item, (bytes, bytearray, memoryview)):
            yield MEDIA
        elif isinstance(item, Mapping) and is_media(item):
            yield from _media_texts(item)
        else:
            inner = _inner(item)
            if inner is not None:
                stack += inner
            elif item is not None:
                yield str(item)


def _inner(value: Any) -> list[Any] | None:
    """Return the parts of a value, last first; ``None`` for a scalar."""
    if isinstance(value, BaseModel):
        return [value.model_dump()]
    if isinstance(value, Mapping):
        fields = [(name, field) for name, field in value.items() if field is not None]
        return [part for name, field in reversed(fields) for part in (field, str(name))]
    if isinstance(value, (list, tuple)):
        return list(reversed(value))
    return None


def is_media(fields: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is an image, audio, video or file in a known form."""
    kind = fields.get("type", fields.get("kind", fields.get("block_type")))
    if isinstance(kind, str) and kind in _KINDS:
        source = fields.get("source")
        if isinstance(source, Mapping) and source.get("type") in {"text", "content"}:
            return False  # Anthropic's documents as text or blocks
        return any(map(_is_payload, fields, fields.values()))
    if kind == "text":
        return False
    encoded = [name for name, field in fields.items() if _is_encoded(field)]
    if not encoded:
        return False
    if any(name in _BYTES for name in encoded):
        return True
    return any(hint in name.lower() for name in fields for hint in _HINTS)


def _is_payload(name: str, field: Any) -> bool:
    if field is None or field == "":
        return False
    return name.lower() in _ADDRESSES or _is_encoded(field)


def _is_encoded(field: Any) -> bool:
    """Return whether a value is binary data: bytes, base64 or a data URL."""
    if isinstance(field, (bytes, bytearray, memoryview)):
        return True
    if not isinstance(field, str) or len(field) < _SHORT:
        return False
    if is_data_url(field):
        return True
    sample = field[:_SAMPLE]
    return _BASE64.fullmatch(sample) is not None and " " not in sample


def is_data_url(text: str) -> bool:
    """Return whether a text is media as a data URL."""
    return text.startswith("data:") and _DATA_URL.fullmatch(text) is not None


def _media_texts(fields: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the texts of a media block: its captions, and the content of a text file."""
    media_type = next(
        (field for name, field in fields.items() if "mime" in name.lower() or name == "media_type"),
        None,
    )
    is_text = isinstance(media_type, str) and _TEXT_TYPE.match(media_type.lower())
    decoded = [_decoded(field) for field in fields.values()] if is_text else []
    texts = [text for text in decoded if text]
    if texts:
        yield from texts
    else:
        yield MEDIA
    for name, field in fields.items():
        if name in _CAPTIONS and isinstance(field, str) and field:
            yield field


def _decoded(field: Any) -> str | None:
    if not isinstance(field, str) or not _is_encoded(field):
        return None
    try:
        data = base64.b64decode(field.partition(",")[2] if is_data_url(field) else field)
    except (ValueError, binascii.Error):
        return None
    return data.decode(errors="replace")
