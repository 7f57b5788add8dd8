"""All statements of a store: to append, to change, to read and to reclaim.

Each operation is one statement, atomic by itself. Templates, see `rendering`: ``$1`` is the key;
in statements that write, ``$2`` is the time to live in seconds.

All parts of a statement see one snapshot, which is taken before the statement waits for a lock.
This is correct for two reasons. Positions come from the conversation's row as it is once it is
locked. And a statement that relies on the messages that it saw changes nothing if the row has
changed since (``unchanged``); its answer says so, and it is sent again.
"""

from __future__ import annotations


def _rows_of(ids: str, bodies: str) -> str:
    """Return rows of an id, a body and their number, counted from 1, from two parameters.

    Bodies are the lines of one text: drivers quote each element of an array of texts, and the
    server reads it character by character, which took most of the time of a large write.
    """
    return f"unnest({ids}::bytea[], string_to_array({bodies}::text, chr(10))) WITH ORDINALITY"


# ---------------------------------------------------------------------- append
#
# Most appends have ids that the conversation does not have. The short statements write only
# those: the server sets up fewer parts, and repeats fewer if it had to wait for the row. If they
# write nothing, the full statements return the existing messages, or begin a new conversation
# under the key of an expired one.
#
# Both write nothing if messages were removed since the statement began: a statement whose client
# is gone may wait long for the row, while the call is repeated on another connection, and its
# message removed.
#
# A queue of advisory locks, so that a commit wakes only one waiting writer, was slower where
# writers share the server's processors.

# Appends alone do not change this difference.
_NOTHING_REMOVED = (
    "c.key = $1::bytea AND c.id = seen.id AND c.next_position - c.length = seen.removed"
)

_APPEND = f"""WITH
seen AS MATERIALIZED (
  SELECT c.id, c.next_position - c.length AS removed FROM {{conversations}} c
  WHERE c.key = $1::bytea
),[existing]
grown AS (
  UPDATE {{conversations}} c SET next_position = c.next_position + $3::bigint,
    length = c.length + $3::bigint, expires_at = {{expiry}}
  FROM seen WHERE {_NOTHING_REMOVED} AND {{alive}} AND NOT EXISTS ([conflicts])
  RETURNING c.id, c.next_position - $3::bigint AS start
),
begun AS (
  INSERT INTO {{conversations}} (key, epoch, next_position, length, expires_at)
  SELECT $1::bytea, 0, $3::bigint, $3::bigint, {{expiry}}
  WHERE NOT EXISTS (SELECT FROM seen)
  ON CONFLICT (key) DO NOTHING
  RETURNING id, 0::bigint AS start
),
head AS (SELECT id, start FROM grown UNION ALL SELECT id, start FROM begun),
written AS (
  INSERT INTO {{messages}} (conversation, position, message_id, body_hash, request_id, body)
  SELECT head.id, head.start + given.number - 1, given.message_id,
    hashtextextended(given.body COLLATE "C", 0), $6::bigint, given.body
  FROM head CROSS JOIN [given]
)
"""
_EXISTING = """
existing AS MATERIALIZED (
  SELECT m.message_id, m.body FROM {conversations} c
  JOIN {messages} m ON m.conversation = c.id AND m.message_id [ids]
  WHERE c.key = $1::bytea AND {alive}
),"""
_SHORT = (
    _APPEND.replace("[existing]", "").replace(
        "[conflicts]",
        "SELECT FROM {messages} m WHERE m.conversation = c.id AND m.message_id [ids]",
    )
    + "SELECT {has_expired} FROM head"
)
_FULL = (
    _APPEND.replace("[existing]", _EXISTING).replace("[conflicts]", "SELECT FROM existing")
    + """SELECT EXISTS (SELECT FROM head), {has_expired}, existing.message_id, existing.body
FROM (VALUES (1)) one LEFT JOIN existing ON true"""
)
_ONE = "(SELECT 1::bigint AS number, $4::bytea AS message_id, $5::text AS body) given"
_MANY = f"{_rows_of('$4', '$5')} AS given (message_id, body, number)"


def _for_one(template: str) -> str:
    return template.replace("[given]", _ONE).replace("[ids]", "= $4::bytea")


def _for_many(template: str) -> str:
    return template.replace("[given]", _MANY).replace("[ids]", "= ANY ($4::bytea[])")


APPEND_NEW_ONE = _for_one(_SHORT)
"""Parameters: key, ttl, 1, id, body, request id. One row if it was written: is there garbage.

Looking for the id avoids an error in the server's log when a message is sent again; between
writers that send it at the same time, the table's constraint decides.
"""

APPEND_NEW_MANY = _for_many(_SHORT)
"""Parameters: key, ttl, number, ids, lines of bodies, request id. Rows: as `APPEND_NEW_ONE`."""

APPEND_ONE = _for_one(_FULL)
"""Parameters: as `APPEND_NEW_ONE`. Rows: was it written, is there garbage; existing messages."""

APPEND_MANY = _for_many(_FULL)
"""Parameters: as `APPEND_NEW_MANY`. Rows: as `APPEND_ONE`."""

RELEASE_EXPIRED_KEY = (
    "UPDATE {conversations} c SET key = NULL WHERE c.key = $1::bytea AND NOT {alive}"
)
"""Take the key from an expired conversation, so that a new one can begin under it."""

WAS_REMOVED = """SELECT EXISTS (
  SELECT FROM {requests} WHERE key_hash = {key_hash} AND appended @> ARRAY[$2::bigint]
)"""
"""Whether other calls removed messages of an append. Parameters: key, request id."""

# ---------------------------------------------------------------------- change
#
# Where $3 is a request id, the effect is recorded, and returned when the request is sent again.

_INSERT = """WITH
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length, {alive} AS alive FROM {conversations} c
  WHERE c.key = $1::bytea
),
existing AS MATERIALIZED (
  SELECT m.message_id, m.body FROM seen
  JOIN {messages} m ON m.conversation = seen.id AND m.message_id = $4::bytea
  WHERE seen.alive
),
target AS MATERIALIZED (
  SELECT m.position FROM seen CROSS JOIN LATERAL (
    SELECT m.position FROM {messages} m WHERE m.conversation = seen.id
    ORDER BY m.position [order] LIMIT 1
  ) m
  WHERE seen.alive
),
grown AS (
  UPDATE {conversations} c SET
    next_position = c.next_position + 1 + coalesce(c.next_position - target.position, 0),
    epoch = c.epoch + CASE WHEN target.position IS NULL THEN 0 ELSE 1 END,
    length = c.length + 1, expires_at = {expiry}
  FROM seen LEFT JOIN target ON true
  WHERE {unchanged} AND seen.alive AND NOT EXISTS (SELECT FROM existing)
  RETURNING c.id, seen.next_position AS start
),
begun AS (
  INSERT INTO {conversations} (key, epoch, next_position, length, expires_at)
  SELECT $1::bytea, 0, 1, 1, {expiry} WHERE NOT EXISTS (SELECT FROM seen)
  ON CONFLICT (key) DO NOTHING
  RETURNING id, 0::bigint AS start
),
head AS (SELECT id, start FROM grown UNION ALL SELECT id, start FROM begun),
moved AS (
  UPDATE {messages} m SET position = m.position + grown.start + 1 - target.position
  FROM grown, target WHERE m.conversation = grown.id AND m.position >= target.position
),
written AS (
  INSERT INTO {messages} (conversation, position, message_id, body_hash, request_id, body)
  SELECT head.id, head.start, $4::bytea, hashtextextended($5::text COLLATE "C", 0), $6::bigint,
    $5::text
  FROM head
)
SELECT EXISTS (SELECT FROM head), {has_expired}, existing.message_id, existing.body
FROM (VALUES (1)) one LEFT JOIN existing ON true"""

INSERT_FROM_START = _INSERT.replace("[order]", "OFFSET $3::bigint")
"""Parameters: key, ttl, index, id, body, request id. Rows: as `APPEND_ONE`.

The messages after the new one move behind it, since positions only grow.
"""

INSERT_FROM_END = _INSERT.replace("[order]", "DESC OFFSET least($3::bigint, seen.length - 1)")
"""Like `INSERT_FROM_START`; ``$3``: how many messages come after the one to insert before."""

_REMOVE = """WITH
done AS MATERIALIZED (SELECT position, body FROM {requests} WHERE id = $3::uuid),
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length FROM {conversations} c
  WHERE c.key = $1::bytea AND {alive} AND NOT EXISTS (SELECT FROM done)
),
target AS MATERIALIZED (
  SELECT m.position, m.body, m.request_id, m.position IS NOT DISTINCT FROM $6::bigint OR (
    m.body_hash = hashtextextended(m.body, 0) AND starts_with(m.body, $5::text)
  ) AS is_readable
  FROM seen CROSS JOIN LATERAL (
    SELECT m.position, m.body, m.body_hash, m.request_id FROM {messages} m
    WHERE m.conversation = seen.id
    ORDER BY m.position [order] OFFSET $4::bigint LIMIT 1
  ) m
),
shrunk AS (
  UPDATE {conversations} c SET length = c.length - 1, expires_at = {expiry}
  FROM seen, target WHERE {unchanged} AND seen.length > 1 AND target.is_readable
  RETURNING c.id
),
ended AS (
  DELETE FROM {conversations} c USING seen, target
  WHERE {unchanged} AND seen.length = 1 AND target.is_readable
  RETURNING c.id
),
head AS (SELECT id FROM shrunk UNION ALL SELECT id FROM ended),
removed AS (
  DELETE FROM {messages} m USING head, target
  WHERE m.conversation = head.id AND m.position = target.position
),
recorded AS (
  INSERT INTO {requests} (id, expires_at, key_hash, appended, position, body)
  SELECT $3::uuid, {request_expiry}, {key_hash},
    CASE WHEN target.request_id IS NOT NULL THEN ARRAY[target.request_id] END,
    target.position, target.body
  FROM head CROSS JOIN target
)
SELECT true, {has_expired} OR {has_old_request}, true, position, body FROM done
UNION ALL
SELECT EXISTS (SELECT FROM head), {has_expired} OR {has_old_request}, is_readable, position, body
FROM target"""

REMOVE_FROM_START = _REMOVE.replace("[order]", "")
"""Remove one message, if its body is as it was written or its position is ``$6``.

Parameters: key, ttl, request id, how many messages come before it, the beginning of a body that
this version reads, position. Rows: was it removed, is there garbage, is it readable, position,
body; no row if there is no such message.
"""

REMOVE_FROM_END = _REMOVE.replace("[order]", "DESC")
"""Like `REMOVE_FROM_START`, with how many messages come after it."""

REPLACE = """WITH
done AS MATERIALIZED (SELECT FROM {requests} WHERE id = $3::uuid),
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length FROM {conversations} c
  WHERE c.key = $1::bytea AND NOT EXISTS (SELECT FROM done)
),
changed AS (
  UPDATE {conversations} c SET id = DEFAULT, epoch = 0, next_position = $4::bigint,
    length = $4::bigint, expires_at = {expiry}
  FROM seen WHERE {unchanged}
  RETURNING c.id
),
begun AS (
  INSERT INTO {conversations} (key, epoch, next_position, length, expires_at)
  SELECT $1::bytea, 0, $4::bigint, $4::bigint, {expiry}
  WHERE NOT EXISTS (SELECT FROM seen) AND NOT EXISTS (SELECT FROM done)
  ON CONFLICT (key) DO NOTHING
  RETURNING id
),
head AS (SELECT id FROM changed UNION ALL SELECT id FROM begun),
dropped AS (
  DELETE FROM {messages} m USING seen
  WHERE m.conversation = seen.id AND EXISTS (SELECT FROM changed)
  RETURNING m.request_id
),
written AS (
  INSERT INTO {messages} (conversation, position, message_id, body_hash, body)
  SELECT head.id, given.number - 1, given.message_id, hashtextextended(given.body COLLATE "C", 0),
    given.body
  FROM head CROSS JOIN [rows] AS given (message_id, body, number)
),
recorded AS (
  INSERT INTO {requests} (id, expires_at, key_hash, appended)
  SELECT $3::uuid, {request_expiry}, {key_hash}, {dropped_requests} FROM head
)
SELECT EXISTS (SELECT FROM head) OR EXISTS (SELECT FROM done), {has_expired} OR {has_old_request},
  EXISTS (SELECT FROM head)""".replace("[rows]", _rows_of("$5", "$6"))
"""Parameters: key, ttl, request id, length, ids, lines of bodies.

One row: has it taken effect, is there garbage, has it taken effect now.
"""

FILL = """INSERT INTO {messages} (conversation, position, message_id, body_hash, body)
SELECT c.id, $2::bigint + given.number - 1, given.message_id,
  hashtextextended(given.body COLLATE "C", 0), given.body
FROM {conversations} c CROSS JOIN [rows] AS given (message_id, body, number)
WHERE c.key = $1::bytea""".replace("[rows]", _rows_of("$3", "$4"))
"""Write what `REPLACE` left out, in its transaction.

Parameters: key, start, ids, lines of bodies.
"""

DELETE = """WITH
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length FROM {conversations} c
  WHERE c.key = $1::bytea AND NOT EXISTS (SELECT FROM {requests} WHERE id = $3::uuid)
),
ended AS (DELETE FROM {conversations} c USING seen WHERE {unchanged} RETURNING c.id),
dropped AS (
  DELETE FROM {messages} m USING ended WHERE m.conversation = ended.id RETURNING m.request_id
),
recorded AS (
  INSERT INTO {requests} (id, expires_at, key_hash, appended)
  SELECT $3::uuid, {request_expiry}, {key_hash}, {dropped_requests} FROM ended
)
SELECT EXISTS (SELECT FROM ended) OR NOT EXISTS (SELECT FROM seen),
  {has_expired} OR {has_old_request}"""
"""Parameters: key, ttl, request id. One row: has it taken effect, is there garbage."""

BEGIN_EMPTY = """INSERT INTO {conversations} (key, epoch, next_position, length)
VALUES ($1::bytea, 0, 0, 0) ON CONFLICT (key) DO NOTHING"""
"""Begin a conversation in a transaction that goes on to write to it, or is rolled back."""

END_EMPTY = "DELETE FROM {conversations} WHERE key = $1::bytea AND length = 0"
"""End a conversation that `BEGIN_EMPTY` began and nothing was written to."""

LOCK = "SELECT 1 FROM {conversations} WHERE key = $1::bytea FOR UPDATE"
"""Keep the conversation's row unchanged for the rest of the transaction."""

# ---------------------------------------------------------------------- read
#
# Each statement sees one moment and follows one index. Rows of messages begin with the
# conversation's id and epoch; a conversation without messages in the requested part gives one row
# without a position.

COUNT = "SELECT c.length FROM {conversations} c WHERE c.key = $1::bytea AND {alive}"

NEWEST = """SELECT c.id, c.epoch, m.position, m.body, false AS is_leading
FROM {conversations} c LEFT JOIN LATERAL (
  SELECT m.position, m.body FROM {messages} m
  WHERE m.conversation = c.id AND m.position < $2::bigint
  ORDER BY m.position DESC LIMIT $3::bigint
) m ON true
WHERE c.key = $1::bytea AND {alive}"""
"""Parameters: key, the position that ends the page, limit (null: all)."""

NEWEST_AND_LEADING = f"""{NEWEST}
UNION ALL
SELECT c.id, c.epoch, m.position, m.body, true
FROM {{conversations}} c CROSS JOIN LATERAL (
  SELECT m.position, m.body FROM {{messages}} m
  WHERE m.conversation = c.id
  ORDER BY m.position LIMIT $4::bigint
) m
WHERE c.key = $1::bytea AND {{alive}}"""
"""Parameters: as `NEWEST`, and the number of leading messages."""

OLDEST = """SELECT c.id, c.epoch, m.position, m.body, false AS is_leading
FROM {conversations} c LEFT JOIN LATERAL (
  SELECT m.position, m.body FROM {messages} m
  WHERE m.conversation = c.id AND m.position > $2::bigint
  ORDER BY m.position LIMIT $3::bigint
) m ON true
WHERE c.key = $1::bytea AND {alive}"""
"""Parameters: key, the position before the page, limit."""

KEYS = """SELECT c.key FROM {conversations} c
WHERE c.key >= $1::bytea AND c.key > $2::bytea AND c.key < $3::bytea AND {alive}
ORDER BY c.key LIMIT $4::bigint"""
"""Parameters: the first key with the prefix, the cursor, the end of the prefix, limit."""

# ---------------------------------------------------------------------- reclaim

PURGE = """WITH
dead AS MATERIALIZED (
  SELECT id FROM {conversations} WHERE expires_at <= statement_timestamp()
  ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED
),
part AS MATERIALIZED (
  SELECT m.conversation, m.position FROM dead JOIN {messages} m ON m.conversation = dead.id
  LIMIT $1::bigint
),
dropped AS (
  DELETE FROM {messages} m USING part
  WHERE m.conversation = part.conversation AND m.position = part.position
),
ended AS (
  DELETE FROM {conversations} c USING dead
  WHERE c.id = dead.id AND (SELECT count(*) FROM part) < $1::bigint
),
outdated AS MATERIALIZED (
  SELECT id FROM {requests} WHERE expires_at <= statement_timestamp()
  LIMIT $1::bigint FOR UPDATE SKIP LOCKED
),
forgotten AS (DELETE FROM {requests} r USING outdated
  WHERE r.id = outdated.id)
SELECT EXISTS (SELECT FROM dead) OR EXISTS (SELECT FROM outdated)"""
"""Reclaim a part of what expired. Parameter: the most messages. One row: may there be more."""
