"""Statements that change and delete messages; see `statements`.

``$3`` is a request id: the effect is recorded under it, and returned when the request is sent
again. ``$4`` is the new revision, ``$5`` the expected one (null: any). If nothing was changed, the
last column with the conversation's revision tells whether it was the expected one.
"""

from __future__ import annotations

from chatstore.postgres.sql.appends import rows_of

_SEEN = """WITH
done AS MATERIALIZED (SELECT [done] FROM {requests} WHERE id = $3::uuid),
seen AS MATERIALIZED (
  SELECT c.id, c.length, c.next_position, c.revision, {alive} AS alive, {outlasts} AS outlasts
  FROM {conversations} c
  WHERE c.key = $1::bytea AND NOT EXISTS (SELECT FROM done)
),
"""
_EXPECTED = "($5::bigint IS NULL OR ($5::bigint = seen.revision AND seen.alive))"
_CURRENT = "(SELECT seen.revision FROM seen WHERE seen.alive)"
_GARBAGE = "{has_expired} OR {has_old_request}"
_HAS_EFFECT = "EXISTS (SELECT FROM head) OR EXISTS (SELECT FROM done)"
_NO_REQUESTS = _SEEN.replace("[done]", "")

PUT = f"""{_NO_REQUESTS}target AS MATERIALIZED (
  SELECT m.position, m.request_id FROM seen
  JOIN {{messages}} m ON m.conversation = seen.id AND m.message_id = $6::bytea
  WHERE seen.alive
),
changed AS (
  UPDATE {{conversations}} c SET
    next_position = c.next_position
      + CASE WHEN target.position IS NULL OR $8::boolean THEN 1 ELSE 0 END,
    length = c.length + CASE WHEN target.position IS NULL THEN 1 ELSE 0 END,
    revision = $4::bigint, {{times}}
  FROM seen LEFT JOIN target ON true
  WHERE {{unchanged}} AND seen.alive AND {_EXPECTED}
  RETURNING c.id, CASE WHEN target.position IS NULL OR $8::boolean THEN seen.next_position
    ELSE target.position END AS position
),
begun AS (
  INSERT INTO {{conversations}}
    (key, epoch, next_position, length, expires_at, revision, created_at, updated_at)
  SELECT $1::bytea, 0, 1, 1, {{expiry}}, $4::bigint, statement_timestamp(), statement_timestamp()
  WHERE $5::bigint IS NULL AND NOT EXISTS (SELECT FROM seen) AND NOT EXISTS (SELECT FROM done)
  ON CONFLICT (key) DO NOTHING
  RETURNING id, 0::bigint AS position
),
head AS (SELECT id, position FROM changed UNION ALL SELECT id, position FROM begun),
replaced AS (
  UPDATE {{messages}} m SET position = (SELECT position FROM changed), request_id = NULL,
    body = $7::text, body_hash = hashtextextended($7::text COLLATE "C", 0)
  WHERE m.conversation = (SELECT id FROM changed) AND m.position = (SELECT position FROM target)
),
written AS (
  INSERT INTO {{messages}} (conversation, position, message_id, body_hash, body)
  SELECT head.id, head.position, $6::bytea, hashtextextended($7::text COLLATE "C", 0), $7::text
  FROM head WHERE NOT EXISTS (SELECT FROM target)
),
recorded AS (
  INSERT INTO {{requests}} (id, expires_at, key_hash, appended)
  SELECT $3::uuid, {{request_expiry}}, {{key_hash}},
    CASE WHEN target.request_id IS NOT NULL THEN ARRAY[target.request_id] END
  FROM head LEFT JOIN target ON true
)
SELECT {_HAS_EFFECT}, {_GARBAGE}, {_CURRENT}"""
"""Parameters: key, ttl, request id, revision, expected revision, id, body, does it move to the end.

One row: has it taken effect, is there garbage, the revision before.
"""

_REMOVE = f"""{_SEEN.replace("[done]", "position, body")}target AS MATERIALIZED (
  SELECT m.position, m.body, m.request_id, m.position IS NOT DISTINCT FROM $8::bigint OR (
    m.body_hash = hashtextextended(m.body, 0) AND starts_with(m.body, $7::text)
  ) AS is_readable
  FROM seen CROSS JOIN LATERAL (
    SELECT m.position, m.body, m.body_hash, m.request_id FROM {{messages}} m
    WHERE m.conversation = seen.id [which] LIMIT 1
  ) m
  WHERE seen.alive AND {_EXPECTED}
),
shrunk AS (
  UPDATE {{conversations}} c SET length = c.length - 1, revision = $4::bigint, {{times}}
  FROM seen, target
  WHERE {{unchanged}} AND (seen.length > 1 OR seen.outlasts) AND target.is_readable
  RETURNING c.id
),
ended AS (
  DELETE FROM {{conversations}} c USING seen, target
  WHERE {{unchanged}} AND seen.length <= 1 AND NOT seen.outlasts AND target.is_readable
  RETURNING c.id
),
head AS (SELECT id FROM shrunk UNION ALL SELECT id FROM ended),
removed AS (
  DELETE FROM {{messages}} m
  WHERE m.conversation = (SELECT id FROM head) AND m.position = (SELECT position FROM target)
),
recorded AS (
  INSERT INTO {{requests}} (id, expires_at, key_hash, appended, position, body)
  SELECT $3::uuid, {{request_expiry}}, {{key_hash}},
    CASE WHEN target.request_id IS NOT NULL THEN ARRAY[target.request_id] END,
    target.position, target.body
  FROM head CROSS JOIN target
)
SELECT true, {_GARBAGE}, true, position, body, NULL::bigint FROM done
UNION ALL
SELECT EXISTS (SELECT FROM head), {_GARBAGE}, target.is_readable, target.position, target.body,
  {_CURRENT}
FROM (SELECT WHERE NOT EXISTS (SELECT FROM done)) undone LEFT JOIN target ON true"""

REMOVE_FROM_START = _REMOVE.replace("[which]", "ORDER BY m.position OFFSET $6::bigint")
"""Remove one message, if its body is as it was written or its position is ``$8``.

Parameters: key, ttl, request id, revision, expected revision, how many messages come before it,
the beginning of a body that this version reads, position. One row: was it removed, is there
garbage, is it readable, position (null: there is no such message), body, the revision before.
"""

REMOVE_FROM_END = _REMOVE.replace("[which]", "ORDER BY m.position DESC OFFSET $6::bigint")
"""Like `REMOVE_FROM_START`, with how many messages come after it."""

REMOVE_BY_ID = _REMOVE.replace("[which]", "AND m.message_id = $6::bytea")
"""Like `REMOVE_FROM_START`, with the message's id."""

TRUNCATE = f"""{_SEEN.replace("[done]", "position")}target AS MATERIALIZED (
  SELECT m.position FROM seen
  JOIN {{messages}} m ON m.conversation = seen.id AND m.message_id = $6::bytea
  WHERE seen.alive AND {_EXPECTED}
),
cut AS MATERIALIZED (
  SELECT count(*) AS number FROM {{messages}} m
  WHERE m.conversation = (SELECT id FROM seen) AND m.position >= (SELECT position FROM target)
),
shrunk AS (
  UPDATE {{conversations}} c SET length = c.length - cut.number, revision = $4::bigint, {{times}}
  FROM seen, target, cut WHERE {{unchanged}} AND (seen.length > cut.number OR seen.outlasts)
  RETURNING c.id
),
ended AS (
  DELETE FROM {{conversations}} c USING seen, target, cut
  WHERE {{unchanged}} AND seen.length <= cut.number AND NOT seen.outlasts
  RETURNING c.id
),
head AS (SELECT id FROM shrunk UNION ALL SELECT id FROM ended),
dropped AS (
  DELETE FROM {{messages}} m
  WHERE m.conversation = (SELECT id FROM head) AND m.position >= (SELECT position FROM target)
  RETURNING m.request_id
),
recorded AS (
  INSERT INTO {{requests}} (id, expires_at, key_hash, appended, position)
  SELECT $3::uuid, {{request_expiry}}, {{key_hash}}, {{dropped_requests}}, cut.number
  FROM head CROSS JOIN cut
)
SELECT {_HAS_EFFECT}, {_GARBAGE}, {_CURRENT}, EXISTS (SELECT FROM target),
  coalesce((SELECT position FROM done), (SELECT number FROM cut))"""
"""Parameters: key, ttl, request id, revision, expected revision, id of the first message to remove.

One row: has it taken effect, is there garbage, the revision before, is there such a message, how
many were removed.
"""

REPLACE = f"""{_NO_REQUESTS}changed AS (
  UPDATE {{conversations}} c SET id = DEFAULT, epoch = 0, next_position = $6::bigint,
    length = $6::bigint, revision = $4::bigint, {{times}},
    created_at = CASE WHEN seen.alive THEN c.created_at ELSE statement_timestamp() END,
    owner = CASE WHEN seen.alive THEN c.owner END, title = CASE WHEN seen.alive THEN c.title END,
    metadata = CASE WHEN seen.alive THEN c.metadata END,
    is_created = seen.alive AND c.is_created
  FROM seen
  WHERE {{unchanged}} AND {_EXPECTED} AND ($6::bigint > 0 OR (seen.alive AND seen.outlasts))
  RETURNING c.id
),
ended AS (
  DELETE FROM {{conversations}} c USING seen
  WHERE {{unchanged}} AND {_EXPECTED} AND $6::bigint = 0 AND NOT (seen.alive AND seen.outlasts)
  RETURNING c.id
),
begun AS (
  INSERT INTO {{conversations}}
    (key, epoch, next_position, length, expires_at, revision, created_at, updated_at)
  SELECT $1::bytea, 0, $6::bigint, $6::bigint, {{expiry}}, $4::bigint, statement_timestamp(),
    statement_timestamp()
  WHERE $5::bigint IS NULL AND $6::bigint > 0 AND NOT EXISTS (SELECT FROM seen)
    AND NOT EXISTS (SELECT FROM done)
  ON CONFLICT (key) DO NOTHING
  RETURNING id
),
filled AS (SELECT id FROM changed UNION ALL SELECT id FROM begun),
head AS (SELECT id FROM filled UNION ALL SELECT id FROM ended),
dropped AS (
  DELETE FROM {{messages}} m USING seen
  WHERE m.conversation = seen.id AND EXISTS (SELECT FROM head)
  RETURNING m.request_id
),
written AS (
  INSERT INTO {{messages}} (conversation, position, message_id, body_hash, body)
  SELECT filled.id, given.number - 1, given.message_id,
    hashtextextended(given.body COLLATE "C", 0), given.body
  FROM filled CROSS JOIN {rows_of("$7", "$8")} AS given (message_id, body, number)
),
recorded AS (
  INSERT INTO {{requests}} (id, expires_at, key_hash, appended)
  SELECT $3::uuid, {{request_expiry}}, {{key_hash}}, {{dropped_requests}} FROM head
)
SELECT {_HAS_EFFECT} OR ($5::bigint IS NULL AND $6::bigint = 0 AND NOT EXISTS (SELECT FROM seen)),
  {_GARBAGE}, {_CURRENT}, EXISTS (SELECT FROM filled)"""
"""Parameters: key, ttl, request id, revision, expected revision, length, ids, lines of bodies.

One row: has it taken effect, is there garbage, the revision before, have messages been written now.
"""

FILL = f"""INSERT INTO {{messages}} (conversation, position, message_id, body_hash, body)
SELECT c.id, $2::bigint + given.number - 1, given.message_id,
  hashtextextended(given.body COLLATE "C", 0), given.body
FROM {{conversations}} c CROSS JOIN {rows_of("$3", "$4")} AS given (message_id, body, number)
WHERE c.key = $1::bytea"""
"""Write what `REPLACE` or `CREATE` left out, in its transaction.

Parameters: key, start, ids, lines of bodies.
"""

DELETE = f"""{_NO_REQUESTS}head AS (
  DELETE FROM {{conversations}} c USING seen WHERE {{unchanged}} AND {_EXPECTED} RETURNING c.id
),
dropped AS (
  DELETE FROM {{messages}} m USING head WHERE m.conversation = head.id RETURNING m.request_id
),
recorded AS (
  INSERT INTO {{requests}} (id, expires_at, key_hash, appended)
  SELECT $3::uuid, {{request_expiry}}, {{key_hash}}, {{dropped_requests}} FROM head
)
SELECT {_HAS_EFFECT} OR ($5::bigint IS NULL AND NOT EXISTS (SELECT FROM seen)), {_GARBAGE},
  {_CURRENT}""".replace("$5", "$4")
"""Parameters: key, ttl, request id, expected revision. One row: as `PUT`."""
