"""Finds media in a message's body: base64 text, alone or in a data URL, at any depth."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error, a2b_base64
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic_core import from_json

from chatstore.core.tokens.media import is_media

DATA_URL = re.compile(r"data:([^,;]{0,100})(?:;[^,;]{1,100}){0,3};base64,")
BASE64 = "base64"
BASE64_URL = "base64url"
_FIELDS = ("content", "additional_kwargs")  # metadata is the application's own


class Payload(NamedTuple):
    """Media that were found in a body.

    Attributes:
        text: The base64 text in the body.
        content: What it encodes.
        encoding: Which base64 it is.
        digest: The SHA-256 digest of the content in hex.

    """

    text: str
    content: bytes
    encoding: str
    digest: str


def encode(content: bytes, encoding: str) -> str:
    """Return content as base64 text."""
    return (urlsafe_b64encode if encoding == BASE64_URL else b64encode)(content).decode()


def split_body(body: str, min_bytes: int) -> list[str | Payload]:
    """Return a body's text in parts, with the media between them.

    Args:
        body: A message as JSON text.
        min_bytes: Smaller media stay in the text.

    """
    parts: list[str | Payload] = [body]
    if _decoded_bytes(body) < min_bytes:
        return parts
    texts = dict.fromkeys(_media_texts(body, min_bytes))
    # Longer ones first: a shorter one may be a part of them.
    for text in sorted(texts, key=len, reverse=True):
        payload = _payload(text)
        if payload is not None:
            parts = [piece for part in parts for piece in _split(part, payload)]
    return parts


def _split(part: str | Payload, payload: Payload) -> Iterator[str | Payload]:
    """Yield a part of a body, split where the payload is."""
    if not isinstance(part, str):
        yield part
        return
    first, *rest = part.split(payload.text)
    yield first
    for text in rest:
        yield payload
        yield text


def _payload(text: str) -> Payload | None:
    """Return what a text encodes; ``None`` if encoding that again would give another text."""
    for encoding, decode in ((BASE64, a2b_base64), (BASE64_URL, urlsafe_b64decode)):
        try:
            content = decode(text)
        except (Error, ValueError):
            continue
        if encode(content, encoding) == text:
            return Payload(text, content, encoding, sha256(content).hexdigest())
    return None


def _media_texts(body: str, min_bytes: int) -> Iterator[str]:
    try:
        fields = from_json(body)
    except ValueError:
        return  # another layer's text
    if isinstance(fields, dict):
        for name in _FIELDS:
            yield from _texts_in(fields.get(name), min_bytes)


def _texts_in(value: Any, min_bytes: int) -> Iterator[str]:
    """Yield the base64 texts of media in a JSON value, whose depth the parser limits."""
    items = value if isinstance(value, list) else [value]
    if isinstance(value, Mapping):
        items = list(value.values())
        yield from _encoded_fields(value, min_bytes)
    for item in items:
        if isinstance(item, str):
            yield from _data_url_text(item, min_bytes)
        elif isinstance(item, (list, dict)):
            yield from _texts_in(item, min_bytes)


def _encoded_fields(fields: Mapping[str, Any], min_bytes: int) -> Iterator[str]:
    texts = [field for field in fields.values() if isinstance(field, str)]
    large = [text for text in texts if _decoded_bytes(text) >= min_bytes]
    if large and is_media(fields):
        yield from (text for text in large if not text.startswith("data:"))


def _data_url_text(text: str, min_bytes: int) -> Iterator[str]:
    match = DATA_URL.match(text)
    if match is not None and _decoded_bytes(text) >= min_bytes:
        yield text[match.end() :]


def _decoded_bytes(text: str) -> int:
    """Return about how many bytes a base64 text encodes."""
    return len(text) * 3 // 4
