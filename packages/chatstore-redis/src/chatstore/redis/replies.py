"""Replies of redis-py: bytes, or text if its client decodes them."""

from __future__ import annotations

from typing import Any


def as_text(reply: Any) -> Any:
    """Return a reply with strings for bytes; invalid UTF-8 fails later, as damaged JSON."""
    if isinstance(reply, list):
        return [as_text(item) for item in reply]
    return reply.decode("utf-8", "surrogateescape") if isinstance(reply, bytes) else reply


def read_scan(reply: Any) -> tuple[int, list[str]]:
    """Return the cursor and the keys; a cluster's client returns the cursor, or both, by node."""
    if isinstance(reply, dict):
        [reply] = reply.values()
    cursor, names = reply
    if isinstance(cursor, dict):
        [cursor] = cursor.values()
    return int(cursor), as_text(list(names))
