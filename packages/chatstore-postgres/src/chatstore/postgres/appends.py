"""The statements that append, and what they need.

Most appends are under ids that the conversation does not hold. The short statements write those
and nothing else: fewer parts that the server has to set up, and to set up again when it had to
wait for the head. Where they write nothing, the full ones tell what is held, or begin a new
conversation under the key of one that has expired.

Both write nothing where messages were removed since the statement began, or the whole
conversation was: a statement whose client is gone may wait for the head for long, while the call
is repeated on another connection, and its message removed.

A queue of advisory locks in front of the head, so that a commit wakes one waiting writer only, was
tried and left out: where writers share the server's processors, each commit then waits until that
one gets a processor.

``$1`` is the key, ``$2`` the time to live in seconds, ``$3`` how many messages, ``$6`` the request.
"""

from __future__ import annotations

from chatstore.postgres.fragments import filled, given

# Appends alone leave this difference as it is. The key is gone once an expired one is buried.
_UNREMOVED = "c.key = $1::bytea AND c.id = seen.id AND c.next_position - c.length = seen.removed"

_SHORT = """WITH
seen AS MATERIALIZED (
  SELECT c.id, c.next_position - c.length AS removed FROM {heads} c WHERE c.key = $1::bytea
),
grown AS (
  UPDATE {heads} c SET next_position = c.next_position + $3::bigint,
    length = c.length + $3::bigint, expires_at = {expiry}
  FROM seen WHERE {unremoved} AND {alive} AND NOT EXISTS (
    SELECT FROM {messages} m WHERE m.conversation = c.id AND m.message_id {ids}
  )
  RETURNING c.id, c.next_position - $3::bigint AS start
),
begun AS (
  INSERT INTO {heads} (key, epoch, next_position, length, expires_at)
  SELECT $1::bytea, 0, $3::bigint, $3::bigint, {expiry}
  WHERE NOT EXISTS (SELECT FROM seen)
  ON CONFLICT (key) DO NOTHING
  RETURNING id, 0::bigint AS start
),
head AS (SELECT id, start FROM grown UNION ALL SELECT id, start FROM begun),
written AS (
  INSERT INTO {messages} (conversation, position, message_id, body_hash, request, body)
  SELECT head.id, head.start + given.place - 1, given.message_id,
    hashtextextended(given.body COLLATE "C", 0), $6::bigint, given.body
  FROM head CROSS JOIN {source}
)
SELECT {expired} FROM head"""

_FULL = """WITH
seen AS MATERIALIZED (
  SELECT c.id, c.next_position - c.length AS removed FROM {heads} c WHERE c.key = $1::bytea
),
held AS MATERIALIZED (
  SELECT m.message_id, m.body FROM {heads} c
  JOIN {messages} m ON m.conversation = c.id AND m.message_id {ids}
  WHERE c.key = $1::bytea AND {alive}
),
grown AS (
  UPDATE {heads} c SET next_position = c.next_position + $3::bigint,
    length = c.length + $3::bigint, expires_at = {expiry}
  FROM seen WHERE {unremoved} AND {alive} AND NOT EXISTS (SELECT FROM held)
  RETURNING c.id, c.next_position - $3::bigint AS start
),
begun AS (
  INSERT INTO {heads} (key, epoch, next_position, length, expires_at)
  SELECT $1::bytea, 0, $3::bigint, $3::bigint, {expiry}
  WHERE NOT EXISTS (SELECT FROM seen)
  ON CONFLICT (key) DO NOTHING
  RETURNING id, 0::bigint AS start
),
head AS (SELECT id, start FROM grown UNION ALL SELECT id, start FROM begun),
written AS (
  INSERT INTO {messages} (conversation, position, message_id, body_hash, request, body)
  SELECT head.id, head.start + given.place - 1, given.message_id,
    hashtextextended(given.body COLLATE "C", 0), $6::bigint, given.body
  FROM head CROSS JOIN {source}
)
SELECT EXISTS (SELECT FROM head), {expired}, held.message_id, held.body
FROM (VALUES (1)) one LEFT JOIN held ON true"""

_ONE = "(SELECT 1::bigint AS place, $4::bytea AS message_id, $5::text AS body) given"
_MANY = given("$4", "$5") + " AS given (message_id, body, place)"


def _one(template: str) -> str:
    template = template.replace("{unremoved}", _UNREMOVED)
    return filled(template.replace("{source}", _ONE).replace("{ids}", "= $4::bytea"))


def _many(template: str) -> str:
    template = template.replace("{unremoved}", _UNREMOVED)
    return filled(template.replace("{source}", _MANY).replace("{ids}", "= ANY ($4::bytea[])"))


SHORT_ONE = _one(_SHORT)
"""Parameters: key, ttl, 1, id, body, request. Rows: one where it is written: is there garbage.

The look for the id spares the log an error where a message is sent again; between writers that
send it at once, the table's constraint decides.
"""

SHORT_MANY = _many(_SHORT)
"""Parameters: key, ttl, how many, ids, lines of bodies, request. Rows: as those of `SHORT_ONE`."""

APPEND_ONE = _one(_FULL)
"""Parameters: those of `SHORT_ONE`. Rows: written, is there garbage; and what is held."""

APPEND_MANY = _many(_FULL)
"""Parameters: those of `SHORT_MANY`. Rows: as those of `APPEND_ONE`."""

BURY = filled("UPDATE {heads} c SET key = NULL WHERE c.key = $1::bytea AND NOT {alive}")
"""Take the key from an expired conversation, so that a new one can begin under it."""

WAS_REMOVED = filled(
    """SELECT EXISTS (
  SELECT FROM {calls} WHERE key_hash = {key_hash} AND requests @> ARRAY[$2::bigint]
)"""
)
"""Whether others removed messages that a request had appended. Parameters: key, request."""
