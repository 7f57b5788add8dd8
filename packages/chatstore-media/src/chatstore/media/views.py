"""Bodies with URLs in the place of media."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

from pydantic_core import from_json, to_json

from chatstore.media.envelopes import Parts, Reference
from chatstore.media.payloads import DATA_URL

_BLOCKS = ("image", "audio", "video", "document")  # they have `data` and `url`


def with_urls(parts: Parts, urls: Mapping[str, str]) -> str:
    """Return a body in which each medium is a URL.

    A block's ``data`` becomes its ``url``; everywhere else the URL takes the place of the base64
    text or of the data URL.

    Args:
        parts: The body's parts.
        urls: By the objects' names.

    """
    mark = token_hex(16)  # no text of the message contains it
    named = {f"{mark}{name}": url for name, url in urls.items()}
    texts = [f"{mark}{part.name}" if isinstance(part, Reference) else part for part in parts]
    return to_json(_replaced(from_json("".join(texts)), named)).decode()


def _replaced(value: Any, urls: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _url_of(value, urls) or value
    if isinstance(value, list):
        return [_replaced(item, urls) for item in value]
    if not isinstance(value, dict):
        return value
    fields = {name: _replaced(item, urls) for name, item in value.items()}
    data = value.get("data")
    if value.get("type") in _BLOCKS and isinstance(data, str) and _url_of(data, urls):
        fields["url"] = fields.pop("data")
    return fields


def _url_of(text: str, urls: Mapping[str, str]) -> str | None:
    """Return the URL for a text that is a medium, or a data URL with one."""
    match = DATA_URL.match(text)
    return urls.get(text if match is None else text[match.end() :])
