"""Metadata of messages and conversations: JSON objects of the application, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from chatstore.core.errors import CorruptStoreError, InvalidArgumentError

MAX_METADATA_BYTES = 16 * 1024


def dump_metadata(metadata: object) -> str | None:
    """Return metadata as text; ``None`` for an empty object.

    Raises:
        InvalidArgumentError: It is not a JSON object, or has more than `MAX_METADATA_BYTES` bytes
            as JSON.

    """
    if not isinstance(metadata, Mapping):
        raise InvalidArgumentError(
            f"metadata must be a dict that JSON can represent, not {type(metadata).__name__}"
        )
    value = dict(metadata)
    text = b""
    try:
        text = to_json(value)
        is_faithful = from_json(text, allow_inf_nan=False) == value
    except (PydanticSerializationError, ValueError, RecursionError):
        is_faithful = False
    if not is_faithful:
        raise InvalidArgumentError(
            "metadata must be a dict that JSON can represent: it contains something that would not "
            "be read back unchanged (NaN, bytes, tuples, objects, keys that are not strings)"
        )
    if len(text) > MAX_METADATA_BYTES:
        raise InvalidArgumentError(
            f"metadata may have {MAX_METADATA_BYTES} bytes as JSON, this has {len(text)}"
        )
    return text.decode() if value else None


def load_metadata(text: str | None) -> dict[str, Any]:
    """Return the metadata of a text.

    Raises:
        CorruptStoreError: The text is not one that `dump_metadata` returned.

    """
    if text is None:
        return {}
    try:
        value = from_json(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise CorruptStoreError("the metadata of a conversation cannot be read")
    return value


def merge_metadata(text: str | None, changes: Mapping[str, Any]) -> str | None:
    """Return metadata with changes at its top level; ``None`` as a value removes a name.

    Raises:
        CorruptStoreError: The metadata cannot be read.
        InvalidArgumentError: The result is too large.

    """
    merged = {**load_metadata(text), **changes}
    return dump_metadata(
        {name: merged[name] for name in merged if changes.get(name, ...) is not None}
    )
