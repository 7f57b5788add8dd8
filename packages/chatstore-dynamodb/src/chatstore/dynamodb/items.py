"""Names of items, and heads and records as items.

The table has one key space for everything in it. A head's name is ``chatstore/head/`` and the
key; a record's tells the key's length first, so that no key and no record id can make up another's
name. Other programs' items have other beginnings.
"""

from __future__ import annotations

HEADS = "chatstore/head/"
_RECORDS = "chatstore/record/"


def head_name(key: str) -> str:
    """Return the name of a conversation's head."""
    return HEADS + key


def record_name(key: str, record_id: str) -> str:
    """Return the name of one of a conversation's records."""
    return f"{_RECORDS}{len(key)}/{key}/{record_id}"
