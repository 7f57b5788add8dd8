"""Checks of arguments, all made before anything is sent."""

from __future__ import annotations

from datetime import timedelta

from chatstore.core.errors import InvalidArgumentError, InvalidKeyError

MAX_KEY_BYTES = 255
MAX_SECONDS = 100 * 366 * 24 * 3600.0
"""The longest time that an option takes: about a century, which every database can add to now."""
MAX_TIMEOUT = 7 * 24 * 3600.0
"""The longest timeout, a week: sockets and thread locks take no more than some weeks."""
MIN_TTL = 0.001
"""The shortest time to live: databases count in milliseconds."""
MAX_CONNECTIONS = 10_000
_HUGE = 2**62  # beyond any index or count; every database's integers hold it


def check_key(key: object) -> str:
    """Return the key.

    Raises:
        InvalidKeyError: It is not a non-empty string of at most 255 bytes in UTF-8.

    """
    if not isinstance(key, str):
        message = f"a key must be a string, not {type(key).__name__}"
        raise InvalidKeyError(message)
    size = _utf8_size(key, "key")
    if not 0 < size <= MAX_KEY_BYTES:
        message = f"a key must have 1 to {MAX_KEY_BYTES} bytes in UTF-8, this one has {size}"
        raise InvalidKeyError(message)
    return str(key)


def check_prefix(prefix: object) -> str:
    """Return the prefix: any string that could begin a key, or the empty one."""
    if not isinstance(prefix, str):
        message = f"a prefix must be a string, not {type(prefix).__name__}"
        raise InvalidKeyError(message)
    _utf8_size(prefix, "prefix")
    return str(prefix)


def _utf8_size(text: str, name: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        message = f"the {name} holds a lone surrogate, which UTF-8 cannot hold"
    raise InvalidKeyError(message)  # outside: the codec's error quotes the text


def check_index(index: object) -> int:
    """Return the index, negative or not, brought into the range that databases hold."""
    if not isinstance(index, int) or isinstance(index, bool):
        message = f"an index must be an integer, not {type(index).__name__}"
        raise InvalidArgumentError(message)
    return max(-_HUGE, min(_HUGE, index))


def check_count(value: object, name: str, *, least: int = 0) -> int:
    """Return a number of things, at least ``least``, brought into the range of databases."""
    if not isinstance(value, int) or isinstance(value, bool):
        message = f"{name} must be an integer, not {type(value).__name__}"
        raise InvalidArgumentError(message)
    if value < least:
        message = f"{name} must be at least {least}, not {value}"
        raise InvalidArgumentError(message)
    return min(_HUGE, value)


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
        InvalidArgumentError: It is not a number above 0 and at most `MAX_TIMEOUT`.

    """
    return _check_seconds(timeout, name, 0.0, MAX_TIMEOUT)


def check_patience(patience: object, name: str = "patience") -> float:
    """Return for how long to try again, in seconds; 0: never.

    Raises:
        InvalidArgumentError: It is not a number from 0 to `MAX_TIMEOUT`.

    """
    is_zero = isinstance(patience, (int, float)) and not isinstance(patience, bool) and not patience
    return 0.0 if is_zero else _check_seconds(patience, name, 0.0, MAX_TIMEOUT)


def check_max_connections(value: object, name: str = "max_connections") -> int:
    """Return the most connections that a pool opens.

    Raises:
        InvalidArgumentError: It is not an integer from 1 to `MAX_CONNECTIONS`.

    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_CONNECTIONS:
        message = f"{name} must be an integer from 1 to {MAX_CONNECTIONS}, not {_shown(value)}"
        raise InvalidArgumentError(message)
    return int(value)


def _check_seconds(
    value: object, name: str, least: float, most: float, otherwise: str = ""
) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        advice = "; use its total_seconds()" if isinstance(value, timedelta) else ""
        message = f"{name} must be a number of seconds{otherwise}, not {_shown(value)}{advice}"
        raise InvalidArgumentError(message)
    if value > 0 and least <= value <= most:  # false for NaN
        return float(value)
    bounds = f"from {least:g} to {most:g}" if least else f"above 0 and at most {most:g}"
    message = f"{name} must be a number of seconds {bounds}{otherwise}, not {_shown(value)}"
    raise InvalidArgumentError(message)


def _shown(value: object) -> str:
    """Return a number as text, and of anything else its type: it may be a secret."""
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _HUGE):
        return repr(value)
    return "a larger number" if isinstance(value, int) else type(value).__name__
