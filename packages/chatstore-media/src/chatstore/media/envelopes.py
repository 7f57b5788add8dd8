"""What is stored instead of a body with media: an envelope in JSON.

``{"v":"media-1","parts":[TEXT,REFERENCE,TEXT,…]}``: the body's text, in which each medium's base64
is replaced by a reference ``{"name":NAME,"size":BYTES,"encoding":"base64"}``. Text and content of
the objects together are the body, byte for byte. No message can be mistaken for an envelope: the
body of a message begins with the number of its version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from chatstore.media.payloads import BASE64, BASE64_URL, Payload

_PREFIX = '{"v":"media-1",'
_NAME = re.compile(r"[0-9a-f]{64}(?:-[0-9a-f]{16})?")
LONGEST_NAME = "0" * 64 + "-" + "0" * 16


class Reference(NamedTuple):
    """Refers to a media object.

    Attributes:
        name: The object's name.
        size: The size of its content in bytes.
        encoding: The base64 that the body has.

    """

    name: str
    size: int
    encoding: str

    @property
    def digest(self) -> str:
        """The SHA-256 digest of the content in hex."""
        return self.name[:64]


Parts = Sequence[str | Reference]


def is_object_name(name: str) -> bool:
    """Return whether a text can be the name of an object."""
    return _NAME.fullmatch(name) is not None


def is_envelope(body: str) -> bool:
    """Return whether a stored body is an envelope."""
    return body.startswith(_PREFIX)


def dump(parts: Sequence[str | Payload], names: Mapping[str, str]) -> str:
    """Return the envelope of a body.

    Args:
        parts: The body's parts.
        names: The names of objects, by digest.

    """
    fields = [part if isinstance(part, str) else _reference(part, names) for part in parts]
    return f'{_PREFIX}"parts":{to_json(fields).decode()}}}'


def _reference(payload: Payload, names: Mapping[str, str]) -> dict[str, Any]:
    reference = Reference(names[payload.digest], len(payload.content), payload.encoding)
    return reference._asdict()


def parse(body: str) -> Parts | None:
    """Return the parts of an envelope; ``None``: it is damaged."""
    try:
        parts = from_json(body)["parts"]
        return [part if isinstance(part, str) else _parse_reference(**part) for part in parts]
    except (ValueError, KeyError, TypeError):
        return None


def _parse_reference(name: str, size: int, encoding: str) -> Reference:
    # The name becomes a path.
    if not is_object_name(name) or encoding not in (BASE64, BASE64_URL):
        raise ValueError
    return Reference(name, int(size), encoding)


def references_in(body: str) -> list[Reference]:
    """Return the references of a stored body; none if it is not an envelope, or is damaged."""
    parts = parse(body) if is_envelope(body) else None
    return [part for part in parts or () if isinstance(part, Reference)]
