"""Checks of the options that stores have in common, made before anything is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chatstore.core.errors import InvalidArgumentError

MAX_SECONDS = 100 * 366 * 24 * 3600.0
"""The longest time of an option, about a century: every database can add it to the current time."""
MAX_TIMEOUT = 7 * 24 * 3600.0
"""The longest timeout, a week: sockets and locks accept at most some weeks."""
MIN_TTL = 0.001
"""The shortest time to live: databases count in milliseconds."""
MAX_CONNECTIONS = 10_000
_MAX_SHOWN = 2**62  # larger numbers are not quoted in messages


def passed_options(**options: Any) -> dict[str, Any]:
    """Return the options that a caller passed: those that are not ``None``."""
    return {name: value for name, value in options.items() if value is not None}


def check_ttl(ttl: object, name: str = "ttl") -> float | None:
    """Return the time to live in seconds, or ``None`` for conversations that do not expire.

    Raises:
        InvalidArgumentError: ``ttl`` is neither ``None`` nor a number of seconds from
            `MIN_TTL` to `MAX_SECONDS`.

    """
    return None if ttl is None else _check_seconds(ttl, name, MIN_TTL, MAX_SECONDS, " or None")


def check_timeout(timeout: object, name: str = "timeout") -> float:
    """Return a time to wait, in seconds.

    Raises:
        InvalidArgumentError: `timeout` is not a number above 0 and at most `MAX_TIMEOUT`.

    """
    return _check_seconds(timeout, name, 0.0, MAX_TIMEOUT)


def check_patience(patience: object, name: str = "patience") -> float:
    """Return for how many seconds calls are repeated; 0: never.

    Raises:
        InvalidArgumentError: `patience` is not a number from 0 to `MAX_TIMEOUT`.

    """
    is_zero = isinstance(patience, (int, float)) and not isinstance(patience, bool) and not patience
    return 0.0 if is_zero else _check_seconds(patience, name, 0.0, MAX_TIMEOUT)


def check_max_connections(value: object, name: str = "max_connections") -> int:
    """Return the maximum number of connections.

    Raises:
        InvalidArgumentError: `value` is not an integer from 1 to `MAX_CONNECTIONS`.

    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_CONNECTIONS:
        raise InvalidArgumentError(
            f"{name} must be an integer from 1 to {MAX_CONNECTIONS}, not {_shown(value)}"
        )
    return int(value)


def check_flag(value: object, name: str) -> bool:
    """Return a flag.

    Raises:
        InvalidArgumentError: `value` is neither ``True`` nor ``False``.

    """
    if not isinstance(value, bool):
        raise InvalidArgumentError(f"{name} must be True or False, not {_shown(value)}")
    return value


def _check_seconds(
    value: object, name: str, least: float, most: float, otherwise: str = ""
) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        advice = "; use its total_seconds()" if isinstance(value, timedelta) else ""
        raise InvalidArgumentError(
            f"{name} must be a number of seconds{otherwise}, not {_shown(value)}{advice}"
        )
    if value > 0 and least <= value <= most:  # false for NaN
        return float(value)
    bounds = f"from {least:g} to {most:g}" if least else f"above 0 and at most {most:g}"
    raise InvalidArgumentError(
        f"{name} must be a number of seconds {bounds}{otherwise}, not {_shown(value)}"
    )


def _shown(value: object) -> str:
    """Return a number as text; of other values only the type, since they may be secrets."""
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _MAX_SHOWN):
        return repr(value)
    return "a larger number" if isinstance(value, int) else type(value).__name__
