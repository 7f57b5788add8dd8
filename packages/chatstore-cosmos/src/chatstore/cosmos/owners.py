"""The property by which Cosmos DB lists the conversations of an owner, the newest first.

The head of a conversation with an owner has it: a digest of the owner, the time of the last write,
and the partition, so that its values are unique and sort by time. One property is enough for the
condition and the order of the query, so the container needs no composite index:
https://learn.microsoft.com/azure/cosmos-db/index-policy#order-by-queries-on-a-single-property
"""

from __future__ import annotations

import hashlib
from typing import Any

from chatstore.cosmos.container import OWNED, PARTITION_KEY

_DIGEST = 32  # hexadecimal digits: index terms of 255 bytes would cost more
_TIME = 16  # digits of microseconds since 1970, until the year 2286
_MICROSECONDS = 1_000_000
_LATEST = 10**_TIME - 1
# In the order of their codes, so that all values of an owner are between them.
_BEFORE, _AFTER = ".", "/"

QUERY = (
    f"SELECT TOP @limit c.{PARTITION_KEY}, c.body, c._etag, c.{OWNED} FROM c "
    f"WHERE c.{OWNED} > @low AND c.{OWNED} < @high ORDER BY c.{OWNED} DESC"
)


def owned_value(owner: str, updated_at: float, partition: str) -> str:
    """Return the value for a conversation."""
    time = min(_LATEST, max(0, round(updated_at * _MICROSECONDS)))
    return f"{_digest(owner)}{_BEFORE}{time:0{_TIME}}{_BEFORE}{partition}"


def query_parameters(owner: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """Return the parameters of `QUERY` for a page, which ends where ``cursor`` begins."""
    name = _digest(owner)
    high = name + _AFTER if cursor is None else cursor
    return {"@limit": limit, "@low": name + _BEFORE, "@high": high}


def _digest(owner: str) -> str:
    return hashlib.sha256(owner.encode()).hexdigest()[:_DIGEST]
