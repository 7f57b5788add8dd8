"""Text, media and reasoning of a message as this package's blocks, whatever format they are in."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from chatstore.core.blocks import ContentBlock
from chatstore.core.contents import BlockFields, blocks_of, media_block
from chatstore.core.messages import ChatMessage

MEDIA_TYPES = ("image", "audio", "video", "document")
"""The types of blocks with media."""

_DEFAULT_TYPES = {
    "image": "image/png",
    "audio": "audio/wav",
    "video": "video/mp4",
    "document": "application/pdf",
}
_AUDIO_TYPES = {"mp3": "audio/mpeg"}


def common_blocks(content: str | Iterable[ContentBlock] | None) -> list[BlockFields]:
    """Return the text, media and thinking of content.

    Calls, results and blocks of unknown types are left out.
    """
    if content is None or isinstance(content, str):
        return [text_block(content)] if content else []
    return [block for part in content if (block := common_block(part.model_dump())) is not None]


def typed_blocks(content: str | Iterable[ContentBlock] | None) -> list[ContentBlock]:
    """Return `common_blocks` as objects."""
    return blocks_of(ChatMessage(role="user", content=common_blocks(content)).content)


def common_block(part: Mapping[str, Any]) -> BlockFields | None:
    """Return a part of any known format as a block of this package, or ``None``."""
    kind = part.get("type")
    convert = _FORMS.get(kind) if isinstance(kind, str) else None
    block = None if convert is None else convert(part)
    return block if block is not None and _is_valid(block) else None


def text_block(text: str) -> BlockFields:
    """Return a block of text."""
    return {"type": "text", "text": text}


def texts_of(blocks: Iterable[BlockFields]) -> str:
    """Return the text of the text blocks, one per line."""
    return "\n".join(block["text"] for block in blocks if block["type"] == "text")


def from_url(url: Any, media_type: Any, name: Any = None, kind: str | None = None) -> BlockFields:
    """Return a block for media at a URL, or in a data URL.

    Args:
        url: The address.
        media_type: The type of the media; a data URL's own type is used without it.
        name: The file's name.
        kind: The type of the block; by default what the type of the media says.

    """
    data = None
    if isinstance(url, str) and url.startswith("data:"):
        head, comma, rest = url.partition(";base64,")
        if comma:
            data, url = rest, None
            media_type = media_type or head.removeprefix("data:")
    block = media_block(data or "", media_type if isinstance(media_type, str) else None)
    fields = {"url": url, "data": data, "media_type": media_type, "name": name}
    return {
        "type": kind or block["type"],
        **{field: value for field, value in fields.items() if value is not None},
    }


def url_of(block: BlockFields) -> str | None:
    """Return the address of a media block, which is a data URL if the block has data."""
    if block.get("url"):
        return str(block["url"])
    return f"data:{media_type_of(block)};base64,{block['data']}" if block.get("data") else None


def media_type_of(block: BlockFields) -> str:
    """Return the media type of a media block; without one, the most common of its kind."""
    return str(block.get("media_type") or _DEFAULT_TYPES[block["type"]])


def decoded(data: str) -> str | None:
    """Return the text in base64, or ``None`` if it is not text."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return None


def encoded(text: str) -> str:
    """Return a text as base64."""
    return base64.b64encode(text.encode()).decode()


def _is_valid(block: BlockFields) -> bool:
    """Return whether a block can be part of a message."""
    try:
        ChatMessage(role="user", content=[block])
    except ValidationError:
        return False
    return True


def _text(field: str) -> Callable[[Mapping[str, Any]], BlockFields | None]:
    def convert(part: Mapping[str, Any]) -> BlockFields | None:
        text = part.get(field)
        return text_block(text) if isinstance(text, str) else None

    return convert


def _media(part: Mapping[str, Any]) -> BlockFields | None:
    """Convert media in this package's or Anthropic's form."""
    kind, source = part["type"], part.get("source")
    if isinstance(source, Mapping):
        return _from_source(kind, source, part.get("title"))
    names = ("url", "data", "media_type", "name")
    fields = {name: part[name] for name in names if part.get(name) is not None}
    return {"type": kind, **fields} if fields.keys() & {"url", "data"} else None


def _from_source(kind: str, source: Mapping[str, Any], name: Any) -> BlockFields | None:
    named = {} if name is None else {"name": name}
    if source.get("type") == "base64":
        fields = {field: source.get(field) for field in ("data", "media_type")}
        return {"type": kind, **fields, **named}
    if source.get("type") == "url":
        return {"type": kind, "url": source.get("url"), **named}
    if source.get("type") == "text" and isinstance(source.get("data"), str):
        return {"type": kind, "data": encoded(source["data"]), "media_type": "text/plain", **named}
    return None


def _thinking(part: Mapping[str, Any]) -> BlockFields:
    signature = part.get("signature")
    block = {"type": "thinking", "thinking": part.get("thinking")}
    return block if signature is None else {**block, "signature": signature}


def _image_url(part: Mapping[str, Any]) -> BlockFields | None:
    """Convert an image of OpenAI's Chat Completions, or of its Responses."""
    address = part.get("image_url")
    url = address.get("url") if isinstance(address, Mapping) else address
    return from_url(url, None, kind="image") if isinstance(url, str) else None


def _input_audio(part: Mapping[str, Any]) -> BlockFields | None:
    audio = part.get("input_audio")
    if not isinstance(audio, Mapping) or not isinstance(audio.get("data"), str):
        return None
    kind = str(audio.get("format") or "wav")
    media_type = _AUDIO_TYPES.get(kind, f"audio/{kind}")
    return {"type": "audio", "data": audio["data"], "media_type": media_type}


def _file(part: Mapping[str, Any]) -> BlockFields | None:
    """Convert a file of OpenAI's Chat Completions, or of its Responses."""
    file = part.get("file") if part["type"] == "file" else part
    if not isinstance(file, Mapping):
        return None
    url = file.get("file_data") or file.get("file_url")
    if not isinstance(url, str):
        return None
    block = from_url(url, None, file.get("filename"), kind="document")
    if "data" not in block and not file.get("file_url"):  # bare base64
        block["data"] = block.pop("url")
    return block


_FORMS: dict[str, Callable[[Mapping[str, Any]], BlockFields | None]] = {
    "text": _text("text"),
    "input_text": _text("text"),
    "output_text": _text("text"),
    "refusal": _text("refusal"),
    "thinking": _thinking,
    "image_url": _image_url,
    "input_image": _image_url,
    "computer_screenshot": _image_url,
    "input_audio": _input_audio,
    "file": _file,
    "input_file": _file,
    **dict.fromkeys(MEDIA_TYPES, _media),
}
