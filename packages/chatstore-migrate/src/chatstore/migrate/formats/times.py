"""Times in files."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

_TIME = TypeAdapter(AwareDatetime)


def iso_time(time: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC."""
    return None if time is None else time.astimezone(timezone.utc).isoformat()


def parse_time(value: Any) -> datetime | None:
    """Return a time that is ISO 8601 text, or seconds since 1970; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        return _TIME.validate_python(value).astimezone(timezone.utc)
    except (ValidationError, OverflowError):
        return None
