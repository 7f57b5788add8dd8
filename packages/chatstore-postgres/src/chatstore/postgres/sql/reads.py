"""Statements that read messages; see `statements`.

Each sees one moment and follows one index. Rows begin with the conversation's id and epoch; a
conversation without messages in the requested part gives one row without a position.

A limit is ``(SELECT $3)``: if the server knew its value, it would plan each execution of a prepared
statement again, since the plan for a small limit seems to be cheaper than the one for any limit.
They are the same, and planning takes longer than reading.
"""

from __future__ import annotations

COUNT = "SELECT c.length FROM {conversations} c WHERE c.key = $1::bytea AND {alive}"

ALL = """SELECT c.id, c.epoch, m.position, m.body, false AS is_leading
FROM {conversations} c LEFT JOIN LATERAL (
  SELECT m.position, m.body FROM {messages} m
  WHERE m.conversation = c.id AND m.position < $2::bigint
  OFFSET 0
) m ON true
WHERE c.key = $1::bytea AND {alive}"""
"""Parameters: key, the position that ends the page.

The rows are in any order, since clients sort faster. ``OFFSET 0`` keeps the server from reading all
conversations for a join.
"""

NEWEST = """SELECT c.id, c.epoch, m.position, m.body, false AS is_leading
FROM {conversations} c LEFT JOIN LATERAL (
  SELECT m.position, m.body FROM {messages} m
  WHERE m.conversation = c.id AND m.position < $2::bigint
  ORDER BY m.position DESC LIMIT (SELECT $3::bigint)
) m ON true
WHERE c.key = $1::bytea AND {alive}"""
"""Parameters: key, the position that ends the page, limit (null: all)."""

NEWEST_AND_LEADING = f"""{NEWEST}
UNION ALL
SELECT c.id, c.epoch, m.position, m.body, true
FROM {{conversations}} c CROSS JOIN LATERAL (
  SELECT m.position, m.body FROM {{messages}} m
  WHERE m.conversation = c.id
  ORDER BY m.position LIMIT (SELECT $4::bigint)
) m
WHERE c.key = $1::bytea AND {{alive}}"""
"""Parameters: as `NEWEST`, and the number of leading messages."""

NEWEST_AND_CONVERSATION = f"""SELECT c.id, c.epoch, NULL::bigint, NULL::text, NULL::boolean,
  {{conversation}}
FROM {{conversations}} c WHERE c.key = $1::bytea AND {{alive}}
UNION ALL
SELECT part.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM ({NEWEST_AND_LEADING}) part"""
"""Parameters: as `NEWEST_AND_LEADING`.

Rows have the columns of the conversation, too. They are null except in the first one, which is not
a message's.
"""

OLDEST = """SELECT c.id, c.epoch, m.position, m.body, false AS is_leading
FROM {conversations} c LEFT JOIN LATERAL (
  SELECT m.position, m.body FROM {messages} m
  WHERE m.conversation = c.id AND m.position > $2::bigint
  ORDER BY m.position LIMIT (SELECT $3::bigint)
) m ON true
WHERE c.key = $1::bytea AND {alive}"""
"""Parameters: key, the position before the page, limit."""

FIND = """SELECT c.id, c.epoch, m.position, m.body, false AS is_leading
FROM {conversations} c LEFT JOIN {messages} m
  ON m.conversation = c.id AND m.message_id = $2::bytea
WHERE c.key = $1::bytea AND {alive}"""
"""Parameters: key, id."""
