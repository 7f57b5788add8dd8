"""Values of a caller as plain JSON values: SDKs return objects that look like dicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from chatstore.core.errors import InvalidMessageError
from chatstore.core.foreign import full_name


def plain(value: Any) -> Any:
    """Return a value with pydantic models as dicts, without the fields that were never set."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, Mapping):
        return {name: plain(field) for name, field in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def plain_items(values: object, what: str) -> list[dict[str, Any]]:
    """Return a list of JSON objects.

    Args:
        values: The caller's argument.
        what: What an item is, for the error.

    Raises:
        InvalidMessageError: `values` is not a list of dicts or of pydantic models.

    """
    if isinstance(values, (str, bytes, Mapping, BaseModel)) or not isinstance(values, Iterable):
        raise InvalidMessageError(f"expected a list of {what}, not {full_name(values)}")
    items = []
    for value in values:
        item = plain(value)
        if not isinstance(item, dict):
            raise InvalidMessageError(f"{what} must be dicts, not {full_name(value)}")
        items.append(item)
    return items
