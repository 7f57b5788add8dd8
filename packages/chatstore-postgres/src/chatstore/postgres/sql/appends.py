"""Statements that append and insert messages; see `statements`.

Most appends have ids that the conversation does not have. The short statements write only those:
the server sets up fewer parts, and repeats fewer if it had to wait for the row. If they write
nothing, the full statements return the existing messages, or begin a new conversation under the
key of an expired one. An append with an expected revision begins with the full statement.

All write nothing if messages were removed since the statement began: a statement whose client is
gone may wait long for the row, while the call is repeated on another connection, and its message
removed.

A queue of advisory locks, so that a commit wakes only one waiting writer, was slower where writers
share the server's processors.
"""

from __future__ import annotations


def rows_of(ids: str, bodies: str) -> str:
    """Return rows of an id, a body and their number, counted from 1, from two parameters.

    Bodies are the lines of one text: drivers quote each element of an array of texts, and the
    server reads it character by character, which took most of the time of a large write.
    """
    return f"unnest({ids}::bytea[], string_to_array({bodies}::text, chr(10))) WITH ORDINALITY"


# Appends alone do not change this difference. The subquery reads it from the statement's snapshot,
# once, before the statement waits for the row.
_NOTHING_REMOVED = (
    "c.key = $1::bytea AND (c.id, c.next_position - c.length) = (SELECT seen.id, "
    "seen.next_position - seen.length FROM {conversations} seen WHERE seen.key = $1::bytea)"
)
_BEGUN = """
  INSERT INTO {conversations}
    (key, epoch, next_position, length, expires_at, revision, created_at, updated_at)
  SELECT $1::bytea, 0, [number], [number], {expiry}, $6::bigint, statement_timestamp(),
    statement_timestamp()
  WHERE NOT EXISTS (SELECT FROM {conversations} c WHERE c.key = $1::bytea)[if begun]
  ON CONFLICT (key) DO NOTHING
  RETURNING id, 0::bigint AS start"""
_EXPECTED = "($7::bigint IS NULL OR $7::bigint = c.revision)"
_CURRENT = "(SELECT c.revision FROM {conversations} c WHERE c.key = $1::bytea AND {alive})"

_APPEND = f"""WITH[existing]
grown AS (
  UPDATE {{conversations}} c SET next_position = c.next_position + $3::bigint,
    length = c.length + $3::bigint, revision = $6::bigint, {{times}}
  WHERE {_NOTHING_REMOVED} AND {{alive}}[conflicts][if grown]
  RETURNING c.id, c.next_position - $3::bigint AS start
),
begun AS ({_BEGUN.replace("[number]", "$3::bigint")}
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


def _filled(template: str, parts: dict[str, str]) -> str:
    for name, text in parts.items():
        template = template.replace(f"[{name}]", text)
    return template


_UNCHECKED = _filled(
    _APPEND + "SELECT {has_expired} FROM head", {"existing": "", "if grown": "", "if begun": ""}
)
_SHORT = _filled(
    _UNCHECKED,
    {
        "conflicts": (
            " AND NOT EXISTS "
            "(SELECT FROM {messages} m WHERE m.conversation = c.id AND m.message_id [ids])"
        )
    },
)
_WITH_REVISION = {
    "if grown": f" AND {_EXPECTED}",
    "if begun": " AND $7::bigint IS NULL",
    "result": (
        f"SELECT EXISTS (SELECT FROM head), {{has_expired}}, {_CURRENT}, existing.message_id, "
        "existing.body\nFROM (VALUES (1)) one LEFT JOIN existing ON true"
    ),
}
_FULL = _filled(
    _APPEND + "[result]",
    {
        "existing": _EXISTING,
        "conflicts": " AND NOT EXISTS (SELECT FROM existing)",
        **_WITH_REVISION,
    },
)
_ONE = "(SELECT 1::bigint AS number, $4::bytea AS message_id, $5::text AS body) given"
_MANY = f"{rows_of('$4', '$5')} AS given (message_id, body, number)"


def _for_one(template: str) -> str:
    return _filled(template, {"given": _ONE, "ids": "= $4::bytea"})


def _for_many(template: str) -> str:
    return _filled(template, {"given": _MANY, "ids": "= ANY ($4::bytea[])"})


APPEND_NEW_ONE = _for_one(_SHORT)
"""Parameters: key, ttl, 1, id, body, request id. One row if it was written: is there garbage.

The request id becomes the revision. Looking for the id avoids an error in the server's log when a
message is sent again; between writers that send it at the same time, the table's constraint
decides.
"""

APPEND_RANDOM_ONE = _for_one(_filled(_UNCHECKED, {"conflicts": ""}))
"""Like `APPEND_NEW_ONE`, for an id that the store chose: only the table's constraint checks it.

An earlier call may have written it only if that was cancelled or its reply was lost.
"""

APPEND_NEW_MANY = _for_many(_SHORT)
"""Parameters: key, ttl, number, ids, lines of bodies, request id. Rows: as `APPEND_NEW_ONE`."""

APPEND_BATCH = """WITH
given AS MATERIALIZED (
  SELECT given.* FROM unnest(
    $1::bytea[], $3::bytea[], string_to_array($4::text, chr(10)), $5::bigint[]
  ) WITH ORDINALITY AS given (key, message_id, body, request_id, number)
),
seen AS MATERIALIZED (
  SELECT given.number, c.id, c.removed FROM given CROSS JOIN LATERAL (
    SELECT c.id, c.next_position - c.length AS removed FROM {conversations} c
    WHERE c.key = given.key AND {alive} OFFSET 0
  ) c
  WHERE (
    SELECT true FROM {messages} m
    WHERE m.conversation = c.id AND m.message_id = given.message_id LIMIT 1
  ) IS NULL
),
free AS MATERIALIZED (
  SELECT seen.number, seen.id, seen.removed FROM seen CROSS JOIN LATERAL (
    SELECT FROM {conversations} c WHERE c.id = seen.id FOR UPDATE SKIP LOCKED
  ) c
),
grown AS (
  UPDATE {conversations} c SET next_position = c.next_position + 1, length = c.length + 1,
    revision = given.request_id, {times}
  FROM free JOIN given USING (number)
  WHERE c.id = ANY (ARRAY(SELECT id FROM free)) AND c.id = free.id AND c.key = given.key
    AND c.next_position - c.length = free.removed AND {alive}
  RETURNING c.id, c.next_position - 1 AS position, number
),
written AS (
  INSERT INTO {messages} (conversation, position, message_id, body_hash, request_id, body)
  SELECT grown.id, grown.position, given.message_id,
    hashtextextended(given.body COLLATE "C", 0), given.request_id, given.body
  FROM grown JOIN given USING (number)
)
SELECT number, {has_expired} FROM grown"""
"""Append one message each to several conversations.

Parameters: keys, ttl, ids, lines of bodies, request ids. Rows: for each that was written its
number, counted from 1, and is there garbage. It waits for no other writer, so two batches never
wait for each other.
"""

APPEND_ONE = _for_one(_FULL)
"""Parameters: as `APPEND_NEW_ONE`, and the expected revision.

Rows: was it written, is there garbage, the revision before; existing messages.
"""

APPEND_MANY = _for_many(_FULL)
"""Parameters: as `APPEND_NEW_MANY`, and the expected revision. Rows: as `APPEND_ONE`."""

EXISTING = """SELECT m.message_id, m.body FROM {conversations} c
JOIN {messages} m ON m.conversation = c.id AND m.message_id = ANY ($2::bytea[])
WHERE c.key = $1::bytea AND {alive}"""
"""Parameters: key, ids. Rows: the messages of the conversation that have one of these ids."""

RELEASE_EXPIRED_KEY = (
    "UPDATE {conversations} c SET key = NULL, owner = NULL WHERE c.key = $1::bytea AND NOT {alive}"
)
"""Take the key from an expired conversation, so that a new one can begin under it."""

WAS_REMOVED = """SELECT EXISTS (
  SELECT FROM {requests} WHERE key_hash = {key_hash} AND appended @> ARRAY[$2::bigint]
)"""
"""Whether other calls removed or replaced messages of an append. Parameters: key, request id."""

_INSERT = _filled(
    f"""WITH
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length, c.revision, {{alive}} AS alive FROM {{conversations}} c
  WHERE c.key = $1::bytea
),
existing AS MATERIALIZED (
  SELECT m.message_id, m.body FROM seen
  JOIN {{messages}} m ON m.conversation = seen.id AND m.message_id = $4::bytea
  WHERE seen.alive
),
target AS MATERIALIZED (
  SELECT m.position FROM seen CROSS JOIN LATERAL (
    SELECT m.position FROM {{messages}} m WHERE m.conversation = seen.id
    ORDER BY m.position [order] LIMIT 1
  ) m
  WHERE seen.alive
),
grown AS (
  UPDATE {{conversations}} c SET
    next_position = c.next_position + 1 + coalesce(c.next_position - target.position, 0),
    epoch = c.epoch + CASE WHEN target.position IS NULL THEN 0 ELSE 1 END,
    length = c.length + 1, revision = $6::bigint, {{times}}
  FROM seen LEFT JOIN target ON true
  WHERE {{unchanged}} AND seen.alive AND NOT EXISTS (SELECT FROM existing)[if grown]
  RETURNING c.id, seen.next_position AS start
),
begun AS ({_BEGUN.replace("[number]", "1")}
),
head AS (SELECT id, start FROM grown UNION ALL SELECT id, start FROM begun),
moved AS (
  UPDATE {{messages}} m SET
    position = m.position + (SELECT grown.start + 1 - target.position FROM grown, target)
  WHERE m.conversation = (SELECT id FROM grown) AND m.position >= (SELECT position FROM target)
),
written AS (
  INSERT INTO {{messages}} (conversation, position, message_id, body_hash, request_id, body)
  SELECT head.id, head.start, $4::bytea, hashtextextended($5::text COLLATE "C", 0), $6::bigint,
    $5::text
  FROM head
)
[result]""",
    _WITH_REVISION,
)

INSERT_FROM_START = _INSERT.replace("[order]", "OFFSET $3::bigint")
"""Parameters: key, ttl, index, id, body, request id, expected revision. Rows: as `APPEND_ONE`.

The messages after the new one move behind it, since positions only grow.
"""

INSERT_FROM_END = _INSERT.replace(
    "[order]", "DESC OFFSET greatest(0, least($3::bigint, seen.length - 1))"
)
"""Like `INSERT_FROM_START`; ``$3``: how many messages come after the one to insert before."""
