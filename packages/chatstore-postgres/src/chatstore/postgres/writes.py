"""The statements that change what is there: each operation is one, atomic by itself.

All parts of a statement see one snapshot, taken before it waits for any lock. Two things make
that safe. Positions come from the head's row as it is once it is locked. And a statement that
relies on what it saw of the messages changes nothing if the head has changed since (the guard);
its answer then says so, and it is sent again.

``$1`` is the key and ``$2`` the time to live in seconds. Where ``$3`` is the id of a call, the
call's effect is noted, and found when the same call is sent again.
"""

from __future__ import annotations

from chatstore.postgres.fragments import filled, given

_INSERT = """WITH
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length, {alive} AS alive FROM {heads} c WHERE c.key = $1::bytea
),
held AS MATERIALIZED (
  SELECT m.message_id, m.body FROM seen
  JOIN {messages} m ON m.conversation = seen.id AND m.message_id = $4::bytea
  WHERE seen.alive
),
place AS MATERIALIZED (
  SELECT m.position FROM seen CROSS JOIN LATERAL (
    SELECT m.position FROM {messages} m WHERE m.conversation = seen.id
    ORDER BY m.position {order} LIMIT 1
  ) m
  WHERE seen.alive
),
grown AS (
  UPDATE {heads} c SET
    next_position = c.next_position + 1 + coalesce(c.next_position - place.position, 0),
    epoch = c.epoch + CASE WHEN place.position IS NULL THEN 0 ELSE 1 END,
    length = c.length + 1, expires_at = {expiry}
  FROM seen LEFT JOIN place ON true
  WHERE {guard} AND seen.alive AND NOT EXISTS (SELECT FROM held)
  RETURNING c.id, seen.next_position AS start
),
begun AS (
  INSERT INTO {heads} (key, epoch, next_position, length, expires_at)
  SELECT $1::bytea, 0, 1, 1, {expiry} WHERE NOT EXISTS (SELECT FROM seen)
  ON CONFLICT (key) DO NOTHING
  RETURNING id, 0::bigint AS start
),
head AS (SELECT id, start FROM grown UNION ALL SELECT id, start FROM begun),
moved AS (
  UPDATE {messages} m SET position = m.position + grown.start + 1 - place.position
  FROM grown, place WHERE m.conversation = grown.id AND m.position >= place.position
),
written AS (
  INSERT INTO {messages} (conversation, position, message_id, body_hash, request, body)
  SELECT head.id, head.start, $4::bytea, hashtextextended($5::text COLLATE "C", 0), $6::bigint,
    $5::text
  FROM head
)
SELECT EXISTS (SELECT FROM head), {expired}, held.message_id, held.body
FROM (VALUES (1)) one LEFT JOIN held ON true"""

INSERT_FROM_START = filled(_INSERT.replace("{order}", "OFFSET $3::bigint"))
"""Parameters: key, ttl, index, id, body, request. Rows: as those of `appends.APPEND_ONE`.

What follows moves behind the new message, since positions only grow.
"""

INSERT_FROM_END = filled(
    _INSERT.replace("{order}", "DESC OFFSET least($3::bigint, seen.length - 1)")
)
"""Parameters: key, ttl, how many messages come after the one to insert before, id, body,
request."""

_REMOVE = """WITH
done AS MATERIALIZED (SELECT position, body FROM {calls} WHERE id = $3::uuid),
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length FROM {heads} c
  WHERE c.key = $1::bytea AND {alive} AND NOT EXISTS (SELECT FROM done)
),
target AS MATERIALIZED (
  SELECT m.position, m.body, m.request, m.position IS NOT DISTINCT FROM $6::bigint OR (
    m.body_hash = hashtextextended(m.body, 0) AND starts_with(m.body, $5::text)
  ) AS sure
  FROM seen CROSS JOIN LATERAL (
    SELECT m.position, m.body, m.body_hash, m.request FROM {messages} m
    WHERE m.conversation = seen.id
    ORDER BY m.position {order} OFFSET $4::bigint LIMIT 1
  ) m
),
shrunk AS (
  UPDATE {heads} c SET length = c.length - 1, expires_at = {expiry}
  FROM seen, target WHERE {guard} AND seen.length > 1 AND target.sure
  RETURNING c.id
),
ended AS (
  DELETE FROM {heads} c USING seen, target WHERE {guard} AND seen.length = 1 AND target.sure
  RETURNING c.id
),
head AS (SELECT id FROM shrunk UNION ALL SELECT id FROM ended),
removed AS (
  DELETE FROM {messages} m USING head, target
  WHERE m.conversation = head.id AND m.position = target.position
),
noted AS (
  INSERT INTO {calls} (id, expires_at, key_hash, requests, position, body)
  SELECT $3::uuid, {call_expiry}, {key_hash},
    CASE WHEN target.request IS NOT NULL THEN ARRAY[target.request] END,
    target.position, target.body
  FROM head CROSS JOIN target
)
SELECT true, {expired} OR {old_call}, true, position, body FROM done
UNION ALL
SELECT EXISTS (SELECT FROM head), {expired} OR {old_call}, sure, position, body FROM target"""

REMOVE_FROM_START = filled(_REMOVE.replace("{order}", ""))
"""Remove one message, if it is as it was written or if its position is ``$6``.

Parameters: key, ttl, call, how many messages come before it, what a body that this version reads
begins with, position. Rows: removed, is there garbage, could it be removed, position, body; none
where there is no such message.
"""

REMOVE_FROM_END = filled(_REMOVE.replace("{order}", "DESC"))
"""Like `REMOVE_FROM_START`, with how many messages come after it."""

REPLACE = filled(
    """WITH
done AS MATERIALIZED (SELECT FROM {calls} WHERE id = $3::uuid),
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length FROM {heads} c
  WHERE c.key = $1::bytea AND NOT EXISTS (SELECT FROM done)
),
changed AS (
  UPDATE {heads} c SET id = DEFAULT, epoch = 0, next_position = $4::bigint, length = $4::bigint,
    expires_at = {expiry}
  FROM seen WHERE {guard}
  RETURNING c.id
),
begun AS (
  INSERT INTO {heads} (key, epoch, next_position, length, expires_at)
  SELECT $1::bytea, 0, $4::bigint, $4::bigint, {expiry}
  WHERE NOT EXISTS (SELECT FROM seen) AND NOT EXISTS (SELECT FROM done)
  ON CONFLICT (key) DO NOTHING
  RETURNING id
),
head AS (SELECT id FROM changed UNION ALL SELECT id FROM begun),
dropped AS (
  DELETE FROM {messages} m USING seen
  WHERE m.conversation = seen.id AND EXISTS (SELECT FROM changed)
  RETURNING m.request
),
written AS (
  INSERT INTO {messages} (conversation, position, message_id, body_hash, body)
  SELECT head.id, n.place - 1, n.message_id, hashtextextended(n.body COLLATE "C", 0), n.body
  FROM head CROSS JOIN
    {given} AS n (message_id, body, place)
),
noted AS (
  INSERT INTO {calls} (id, expires_at, key_hash, requests)
  SELECT $3::uuid, {call_expiry}, {key_hash}, {removed} FROM head
)
SELECT EXISTS (SELECT FROM head) OR EXISTS (SELECT FROM done), {expired} OR {old_call},
  EXISTS (SELECT FROM head)""".replace("{given}", given("$5", "$6"))
)
"""Parameters: key, ttl, call, length, ids, lines of bodies.

One row: is it done, is there garbage, was it done now.
"""

FILL = filled(
    """INSERT INTO {messages} (conversation, position, message_id, body_hash, body)
SELECT c.id, $2::bigint + n.place - 1, n.message_id, hashtextextended(n.body COLLATE "C", 0), n.body
FROM {heads} c CROSS JOIN
  {given} AS n (message_id, body, place)
WHERE c.key = $1::bytea""".replace("{given}", given("$3", "$4"))
)
"""Write what `REPLACE` left out, in its transaction.

Parameters: key, start, ids, lines of bodies.
"""

DELETE = filled(
    """WITH
seen AS MATERIALIZED (
  SELECT c.id, c.next_position, c.length FROM {heads} c
  WHERE c.key = $1::bytea AND NOT EXISTS (SELECT FROM {calls} WHERE id = $3::uuid)
),
ended AS (DELETE FROM {heads} c USING seen WHERE {guard} RETURNING c.id),
dropped AS (
  DELETE FROM {messages} m USING ended WHERE m.conversation = ended.id RETURNING m.request
),
noted AS (
  INSERT INTO {calls} (id, expires_at, key_hash, requests)
  SELECT $3::uuid, {call_expiry}, {key_hash}, {removed} FROM ended
)
SELECT EXISTS (SELECT FROM ended) OR NOT EXISTS (SELECT FROM seen), {expired} OR {old_call}"""
)
"""Parameters: key, ttl, call. One row: is it done, is there garbage."""

BEGIN_EMPTY = """INSERT INTO {heads} (key, epoch, next_position, length) VALUES ($1::bytea, 0, 0, 0)
ON CONFLICT (key) DO NOTHING"""
"""Begin a conversation in a transaction that goes on to write to it, or is rolled back."""

END_EMPTY = "DELETE FROM {heads} WHERE key = $1::bytea AND length = 0"
"""End a conversation that `BEGIN_EMPTY` began and nothing was written to."""

LOCK = "SELECT 1 FROM {heads} WHERE key = $1::bytea FOR UPDATE"
"""Let what follows in the transaction see the head as it stays."""

PURGE = filled(
    """WITH
dead AS MATERIALIZED (
  SELECT id FROM {heads} WHERE expires_at <= statement_timestamp()
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
  DELETE FROM {heads} c USING dead
  WHERE c.id = dead.id AND (SELECT count(*) FROM part) < $1::bigint
),
stale AS MATERIALIZED (
  SELECT id FROM {calls} WHERE expires_at <= statement_timestamp()
  LIMIT $1::bigint FOR UPDATE SKIP LOCKED
),
forgotten AS (DELETE FROM {calls} c USING stale WHERE c.id = stale.id)
SELECT EXISTS (SELECT FROM dead) OR EXISTS (SELECT FROM stale)"""
)
"""Reclaim some of what expired. Parameter: how many messages. One row: may something be left."""
