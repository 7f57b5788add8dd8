"""The statements that read: each sees one moment and follows one index.

``$1`` is the key. Rows of messages begin with the conversation's id and epoch; a conversation that
has no message where the reader looks gives one row without a position.
"""

from __future__ import annotations

from chatstore.postgres.fragments import filled

COUNT = filled("SELECT c.length FROM {heads} c WHERE c.key = $1::bytea AND {alive}")

_NEWEST = """SELECT c.id, c.epoch, m.position, m.body, false AS leads
FROM {heads} c LEFT JOIN LATERAL (
  SELECT m.position, m.body FROM {messages} m
  WHERE m.conversation = c.id AND m.position < $2::bigint
  ORDER BY m.position DESC LIMIT $3::bigint
) m ON true
WHERE c.key = $1::bytea AND {alive}"""

NEWEST = filled(_NEWEST)
"""Parameters: key, the position that ends the page, limit (null: none)."""

NEWEST_AND_FIRST = filled(
    _NEWEST
    + """
UNION ALL
SELECT c.id, c.epoch, m.position, m.body, true
FROM {heads} c CROSS JOIN LATERAL (
  SELECT m.position, m.body FROM {messages} m
  WHERE m.conversation = c.id
  ORDER BY m.position LIMIT $4::bigint
) m
WHERE c.key = $1::bytea AND {alive}"""
)
"""Parameters: those of `NEWEST`, and how many first messages."""

OLDEST = filled(
    """SELECT c.id, c.epoch, m.position, m.body, false AS leads
FROM {heads} c LEFT JOIN LATERAL (
  SELECT m.position, m.body FROM {messages} m
  WHERE m.conversation = c.id AND m.position > $2::bigint
  ORDER BY m.position LIMIT $3::bigint
) m ON true
WHERE c.key = $1::bytea AND {alive}"""
)
"""Parameters: key, the position before the page, limit."""

KEYS = filled(
    """SELECT c.key FROM {heads} c
WHERE c.key >= $1::bytea AND c.key > $2::bytea AND c.key < $3::bytea AND {alive}
ORDER BY c.key LIMIT $4::bigint"""
)
"""Parameters: the first key with the prefix, the cursor, what is beyond the prefix, limit."""
