"""Cursors of lists of conversations, as text that callers can pass on."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from chatstore.core.errors import InvalidArgumentError


def write_cursor(position: object, server: str, owner: str | None) -> str:
    """Return a cursor for a backend's position, which is a JSON value."""
    digests = [_digest(server, owner), _digest(position)]
    text = json.dumps([*digests, position], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode()


def read_cursor(cursor: object, server: str, owner: str | None) -> Any:
    """Return the backend's position of a cursor.

    Raises:
        InvalidArgumentError: It is not a cursor, or of another store or list.

    """
    if not isinstance(cursor, str):
        raise InvalidArgumentError(f"a cursor must be a string, not {type(cursor).__name__}")
    try:
        name, checksum, position = json.loads(urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError):
        name, checksum, position = None, None, None
    if checksum != _digest(position):
        raise InvalidArgumentError("this is not a cursor: pass the next_cursor of the page before")
    if name != _digest(server, owner):
        raise InvalidArgumentError(
            "this cursor belongs to another store, or to another owner's list: start without one"
        )
    return position


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]
