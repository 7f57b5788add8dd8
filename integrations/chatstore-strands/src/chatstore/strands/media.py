"""Media in Strands' format, which names a file's format instead of its media type."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, cast

from strands.types.content import ContentBlock

from chatstore.core.contents import BlockFields

_TYPES: dict[str, dict[str, str]] = {
    "image": {kind: f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp")},
    "audio": {
        "mp3": "audio/mpeg",
        "pcm": "audio/L16",
        **{
            kind: f"audio/{kind}"
            for kind in ("opus", "wav", "aac", "flac", "mp4", "ogg", "webm", "m4a", "mpeg", "mpga")
        },
        **{kind: f"audio/{kind}" for kind in ("mkv", "mka", "x-aac")},
    },
    "video": {
        "three_gp": "video/3gpp",
        "mkv": "video/x-matroska",
        "mov": "video/quicktime",
        "wmv": "video/x-ms-wmv",
        "flv": "video/x-flv",
        **{kind: f"video/{kind}" for kind in ("mp4", "mpeg", "mpg", "webm")},
    },
    "document": {
        "pdf": "application/pdf",
        "csv": "text/csv",
        "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "html": "text/html",
        "txt": "text/plain",
        "md": "text/markdown",
    },
}
_FORMATS = {
    kind: {media_type: name for name, media_type in types.items()} for kind, types in _TYPES.items()
}
MEDIA = tuple(_TYPES)
"""The kinds of media, which are also the types of the common blocks."""


def media_fields(kind: str, media: Mapping[str, Any]) -> BlockFields | None:
    """Return the common block of media, ``None`` if it has neither data nor an address.

    Args:
        kind: One of `MEDIA`.
        media: The media, with bytes as Strands' sessions encode them.

    """
    source = media.get("source") or {}
    data = (source.get("bytes") or {}).get("data")
    address = (source.get("location") or {}).get("uri")
    name = media.get("name")
    fields = {
        "data": data,
        "url": None if data else address,
        "media_type": _TYPES[kind].get(str(media.get("format"))),
        "name": name if kind == "document" else None,
    }
    if not (data or address):
        return None
    return {"type": kind, **{field: value for field, value in fields.items() if value is not None}}


def media_content(block: BlockFields) -> ContentBlock | None:
    """Return media of a common block; ``None`` if Strands cannot send it.

    Strands sends inline data and addresses in S3, in the formats that it knows.
    """
    kind = block["type"]
    media_type = block.get("media_type")
    file_format = _FORMATS[kind].get(str(media_type))
    source = _source(block)
    if file_format is None or source is None:
        return None
    media: dict[str, Any] = {"format": file_format, "source": source}
    if kind == "document":
        media["name"] = block.get("name") or "document"
    return cast(ContentBlock, {kind: media})  # the key is a variable


def _source(block: BlockFields) -> dict[str, Any] | None:
    data, address = block.get("data"), block.get("url")
    if data:
        try:
            return {"bytes": base64.b64decode(data, validate=True)}
        except ValueError:
            return None
    if isinstance(address, str) and address.startswith("s3://"):
        return {"location": {"type": "s3", "uri": address}}
    return None
