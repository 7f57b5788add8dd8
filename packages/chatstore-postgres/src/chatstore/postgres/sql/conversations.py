"""Statements that create, change, read and list conversations; see `statements`."""

from __future__ import annotations

from chatstore.postgres.sql.appends import rows_of

_GARBAGE = "{has_expired} OR {has_old_request}"

CREATE = f"""WITH
done AS MATERIALIZED (SELECT effect FROM {{requests}} WHERE id = $3::uuid),
existing AS MATERIALIZED (
  SELECT {{alive}} AS alive FROM {{conversations}} c
  WHERE c.key = $1::bytea AND NOT EXISTS (SELECT FROM done)
),
begun AS (
  INSERT INTO {{conversations}} AS c (key, epoch, next_position, length, expires_at, revision,
    created_at, updated_at, owner, title, metadata, is_created)
  SELECT $1::bytea, 0, $9::bigint, $9::bigint, {{expiry}}, $4::bigint,
    statement_timestamp(), statement_timestamp(), $5::bytea, $6::bytea, $7::bytea, $8::boolean
  WHERE NOT EXISTS (SELECT FROM existing) AND NOT EXISTS (SELECT FROM done)
  ON CONFLICT (key) DO NOTHING
  RETURNING c.id, {{effect}} AS effect
),
written AS (
  INSERT INTO {{messages}} (conversation, position, message_id, body_hash, body)
  SELECT begun.id, given.number - 1, given.message_id,
    hashtextextended(given.body COLLATE "C", 0), given.body
  FROM begun CROSS JOIN {rows_of("$10", "$11")} AS given (message_id, body, number)
),
recorded AS (
  INSERT INTO {{requests}} (id, expires_at, key_hash, effect)
  SELECT $3::uuid, {{request_expiry}}, {{key_hash}}, effect FROM begun
)
SELECT EXISTS (SELECT FROM begun) OR EXISTS (SELECT FROM done), {_GARBAGE},
  coalesce((SELECT effect FROM begun), (SELECT effect FROM done)),
  EXISTS (SELECT FROM existing WHERE existing.alive), EXISTS (SELECT FROM begun)"""
"""Parameters: key, ttl, request id, revision, owner, title, metadata, whether it is created without
messages, length, ids, lines of bodies.

One row: has it taken effect, is there garbage, its effect, is there such a conversation already,
has it taken effect now. An effect is the times of creation, of the last write and of expiry, and
the length.
"""

_HAS_RECORD = (
    "c.owner IS NOT DISTINCT FROM $6::bytea AND c.title IS NOT DISTINCT FROM $7::bytea "
    "AND c.metadata IS NOT DISTINCT FROM $8::bytea AND c.is_created = $9::boolean"
)
_IS_TARGET = (
    f"EXISTS (SELECT FROM seen) AND c.key = $1::bytea AND {{alive}} AND {_HAS_RECORD} "
    "AND ($5::bigint IS NULL OR c.revision = $5::bigint)"
)
_OUTLASTS = (
    "($13::boolean OR $10::bytea IS NOT NULL OR $11::bytea IS NOT NULL OR $12::bytea IS NOT NULL)"
)

UPDATE = f"""WITH
done AS MATERIALIZED (SELECT effect FROM {{requests}} WHERE id = $3::uuid),
seen AS MATERIALIZED (
  SELECT c.revision FROM {{conversations}} c
  WHERE c.key = $1::bytea AND {{alive}} AND {_HAS_RECORD} AND NOT EXISTS (SELECT FROM done)
),
changed AS (
  UPDATE {{conversations}} c SET owner = $10::bytea, title = $11::bytea, metadata = $12::bytea,
    is_created = $13::boolean, revision = $4::bigint, {{times}}
  WHERE {_IS_TARGET} AND (c.length <> 0 OR {_OUTLASTS})
  RETURNING {{effect}} AS effect
),
ended AS (
  DELETE FROM {{conversations}} c WHERE {_IS_TARGET} AND c.length = 0 AND NOT {_OUTLASTS}
  RETURNING {{effect}} AS effect
),
head AS (SELECT effect FROM changed UNION ALL SELECT effect FROM ended),
recorded AS (
  INSERT INTO {{requests}} (id, expires_at, key_hash, effect)
  SELECT $3::uuid, {{request_expiry}}, {{key_hash}}, effect FROM head
)
SELECT EXISTS (SELECT FROM head) OR EXISTS (SELECT FROM done), {_GARBAGE},
  coalesce((SELECT effect FROM head), (SELECT effect FROM done)),
  EXISTS (SELECT FROM seen), (SELECT revision FROM seen)"""
"""Parameters: key, ttl, request id, revision, expected revision; owner, title, metadata and whether
it was created without messages, before and after.

One row: has it taken effect, is there garbage, its effect as in `CREATE`, is there a conversation
with the record before, its revision.
"""

CONVERSATIONS = """SELECT c.key, {conversation} FROM {conversations} c
WHERE c.key = ANY ($1::bytea[]) AND {alive}"""
"""Parameter: keys. Rows: key, and the columns of a conversation."""

# An owner may have thousands of times as many conversations as others. Where the server expects
# few rows, it reads and sorts all of them. So the owner is the end of a range whose size it cannot
# estimate.
OWNED = """SELECT c.key, c.id, {conversation} FROM {conversations} c
WHERE c.owner IS NOT NULL AND c.owner >= (SELECT $1::bytea)
  AND (c.owner, c.listed_at, c.id)
    < ((SELECT $1::bytea), to_timestamp($2::float8), $3::bigint)
  AND {alive}
ORDER BY c.owner DESC, c.listed_at DESC, c.id DESC LIMIT $4::bigint"""
"""Parameters: owner, time and id of the last conversation of the page before, limit.

Rows: key, id, and the columns of a conversation.
"""

KEYS = """SELECT c.key FROM {conversations} c
WHERE c.key >= $1::bytea AND c.key > $2::bytea AND c.key < $3::bytea AND {alive}
ORDER BY c.key LIMIT $4::bigint"""
"""Parameters: the first key with the prefix, the cursor, the end of the prefix, limit."""
