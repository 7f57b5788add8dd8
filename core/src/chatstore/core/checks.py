"""Checks of the arguments of calls, made before anything is sent."""

from __future__ import annotations

from chatstore.core.errors import InvalidArgumentError, InvalidKeyError

MAX_KEY_BYTES = 255
_MAX_NUMBER = 2**62  # beyond any index or count; every database's integers hold it


def check_key(key: object) -> str:
    """Return the key.

    Raises:
        InvalidKeyError: `key` is not a string of 1 to 255 bytes in UTF-8.

    """
    if not isinstance(key, str):
        raise InvalidKeyError(f"a key must be a string, not {type(key).__name__}")
    size = _utf8_size(key, "key")
    if not 0 < size <= MAX_KEY_BYTES:
        raise InvalidKeyError(
            f"a key must have 1 to {MAX_KEY_BYTES} bytes in UTF-8, this one has {size}"
        )
    return str(key)


def check_prefix(prefix: object) -> str:
    """Return the prefix, a string that may be empty."""
    if not isinstance(prefix, str):
        raise InvalidKeyError(f"a prefix must be a string, not {type(prefix).__name__}")
    _utf8_size(prefix, "prefix")
    return str(prefix)


def _utf8_size(text: str, name: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        message = f"the {name} contains a lone surrogate, which UTF-8 cannot encode"
    raise InvalidKeyError(message)  # outside: the codec's error quotes the text


def check_index(index: object) -> int:
    """Return the index, limited to the range of databases' integers."""
    if not isinstance(index, int) or isinstance(index, bool):
        raise InvalidArgumentError(f"an index must be an integer, not {type(index).__name__}")
    return max(-_MAX_NUMBER, min(_MAX_NUMBER, index))


def check_count(value: object, name: str, *, least: int = 0) -> int:
    """Return a number of at least ``least``, limited to the range of databases' integers."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidArgumentError(f"{name} must be an integer, not {type(value).__name__}")
    if value < least:
        raise InvalidArgumentError(f"{name} must be at least {least}, not {value}")
    return min(_MAX_NUMBER, value)
