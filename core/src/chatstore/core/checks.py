"""Checks of the arguments of calls, made before anything is sent."""

from __future__ import annotations

from chatstore.core.errors import InvalidArgumentError, InvalidKeyError, MessageTooLargeError

MAX_KEY_BYTES = 255
MAX_TITLE_CHARACTERS = 1000
_MAX_BYTES_PER_CHARACTER = 4  # in UTF-8
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


def check_owner(owner: object) -> str:
    """Return the owner.

    Raises:
        InvalidArgumentError: `owner` is not a string of 1 to 255 bytes in UTF-8.

    """
    return _checked_name(owner, "an owner")


def check_message_id(message_id: object) -> str:
    """Return the id of a message.

    Raises:
        InvalidArgumentError: `message_id` is not a string of 1 to 255 bytes in UTF-8.

    """
    return _checked_name(message_id, "a message id")


def check_title(title: object) -> str | None:
    """Return the title, or ``None``.

    Raises:
        InvalidArgumentError: `title` is not a string of at most 1,000 characters.

    """
    if title is None:
        return None
    if not isinstance(title, str):
        raise InvalidArgumentError(f"a title must be a string, not {type(title).__name__}")
    _utf8_size(title, "title", InvalidArgumentError)
    if len(title) > MAX_TITLE_CHARACTERS:
        raise InvalidArgumentError(
            f"a title may have {MAX_TITLE_CHARACTERS} characters, this one has {len(title)}"
        )
    return str(title)


def check_size(body: str, limit: int | None) -> None:
    """Refuse a body that has too many bytes in UTF-8.

    Raises:
        MessageTooLargeError: It has more than ``limit``.

    """
    # Encoding is slow, and most bodies are small enough without it.
    if limit is None or len(body) * _MAX_BYTES_PER_CHARACTER <= limit:
        return
    if len(body.encode()) > limit:
        raise MessageTooLargeError(f"a message has more than {limit} bytes as it is stored")


def check_revision_argument(revision: object) -> str | None:
    """Return an expected revision, or ``None``.

    Raises:
        InvalidArgumentError: `revision` is not a string.

    """
    if revision is None or isinstance(revision, str):
        return revision
    raise InvalidArgumentError(
        "expected_revision must be the revision of a conversation, a string, "
        f"not {type(revision).__name__}"
    )


def _checked_name(name: object, description: str) -> str:
    if not isinstance(name, str):
        raise InvalidArgumentError(f"{description} must be a string, not {type(name).__name__}")
    size = _utf8_size(name, description.partition(" ")[2], InvalidArgumentError)
    if not 0 < size <= MAX_KEY_BYTES:
        raise InvalidArgumentError(
            f"{description} must have 1 to {MAX_KEY_BYTES} bytes in UTF-8, this one has {size}"
        )
    return str(name)


def check_prefix(prefix: object) -> str:
    """Return the prefix, a string that may be empty."""
    if not isinstance(prefix, str):
        raise InvalidKeyError(f"a prefix must be a string, not {type(prefix).__name__}")
    _utf8_size(prefix, "prefix")
    return str(prefix)


def _utf8_size(text: str, name: str, kind: type[InvalidArgumentError] = InvalidKeyError) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        message = f"the {name} contains a lone surrogate, which UTF-8 cannot encode"
    raise kind(message)  # outside: the codec's error quotes the text


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
