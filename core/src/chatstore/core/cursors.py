"""Cursors of lists of conversations, as text that callers can pass on."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from chatstore.core.errors import InvalidArgumentError


def write_cursor(position: object, server: str, owner: str | None) -> str:
    """Return a cursor for a backend's position, which is a JSON value."""
    text = json.dumps([_list_name(server, owner), position], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode()


def read_cursor(cursor: object, server: str, owner: str | None) -> Any:
    """Return the backend's position of a cursor.

    Raises:
        InvalidArgumentError: It is not a cursor, or of another store or list.

    """
    if not isinstance(cursor, str):
        raise InvalidArgumentError(f"a cursor must be a string, not {type(cursor).__name__}")
    try:
        name, position = json.loads(urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError):
        raise InvalidArgumentError(
            "this is not a cursor: pass the next_cursor of the page before"
        ) from None
    if name != _list_name(server, owner):
        raise InvalidArgumentError(
            "this cursor belongs to another store, or to another owner's list: start without one"
        )
    return position


def _list_name(server: str, owner: str | None) -> str:
    names = json.dumps([server, owner]).encode()
    return hashlib.sha256(names).hexdigest()[:12]
