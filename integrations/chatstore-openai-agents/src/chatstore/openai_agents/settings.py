"""Check the settings of a session, which are the SDK's."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from agents import SessionSettings

from chatstore.core import InvalidArgumentError


def check_settings(settings: object) -> SessionSettings:
    """Return settings, made of a dict if one is given; for ``None``, settings without a limit.

    Raises:
        InvalidArgumentError: ``settings`` is neither of these, a name is unknown, or ``limit`` is
            not an integer.

    """
    if settings is None:
        return SessionSettings()
    if isinstance(settings, dict):
        settings = _from_dict(settings)
    if not isinstance(settings, SessionSettings):
        raise InvalidArgumentError(
            "session_settings must be a SessionSettings, a dict or None, "
            f"not {type(settings).__name__}"
        )
    check_limit(settings.limit)
    return settings


def check_limit(limit: Any) -> int | None:
    """Return the number of items to read; ``None``: all.

    Raises:
        InvalidArgumentError: ``limit`` is not an integer.

    """
    if limit is None or (isinstance(limit, int) and not isinstance(limit, bool)):
        return limit
    raise InvalidArgumentError(f"limit must be an integer or None, not {type(limit).__name__}")


def _from_dict(settings: dict[Any, Any]) -> SessionSettings:
    known = [field.name for field in fields(SessionSettings) if field.init]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise InvalidArgumentError(
            f"unknown setting {unknown[0]!r} in session_settings; "
            f"known settings: {', '.join(known)}"
        )
    check_limit(settings.get("limit"))  # here, since the SDK would turn "2" and 2.0 into 2
    return SessionSettings(**settings)
