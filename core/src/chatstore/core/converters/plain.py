"""Values of a caller as plain JSON values: SDKs return objects that look like dicts."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from chatstore.core.errors import InvalidMessageError
from chatstore.core.foreign import full_name


def plain(value: Any) -> Any:
    """Return a value with pydantic models as dicts, without ``None`` that nobody set.

    Bytes in fields of models become base64.
    """
    if isinstance(value, BaseModel):
        return _fields(value)
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


def _fields(model: BaseModel) -> dict[str, Any]:
    dumped: dict[str, Any] = model.model_dump(mode="json", by_alias=True)
    for name, field in type(model).model_fields.items():
        alias, value = field.serialization_alias or field.alias or name, getattr(model, name)
        if value is None and name not in model.model_fields_set:
            dumped.pop(alias, None)
        elif isinstance(value, bytes):  # pydantic's base64 is the URL-safe one, which others refuse
            dumped[alias] = base64.b64encode(value).decode()
        elif isinstance(value, BaseModel):
            dumped[alias] = _fields(value)
        elif isinstance(value, list) and any(isinstance(item, BaseModel) for item in value):
            dumped[alias] = plain(value)
    return dumped
