"""All statements of a store: to append, to change, to read and to reclaim.

Each operation is one statement, atomic by itself. Templates, see `rendering`: ``$1`` is the key;
in statements that write, ``$2`` is the time to live in seconds.

All parts of a statement see one snapshot, which is taken before the statement waits for a lock.
This is correct for two reasons. Positions come from the conversation's row as it is once it is
locked. And a statement that relies on the messages that it saw changes nothing if the row has
changed since (``unchanged``); its answer says so, and it is sent again.

Messages are found by values such as ``(SELECT id FROM head)``, not by joins: for a join, the server
may look for positions in all conversations first.
"""

from __future__ import annotations

from chatstore.postgres.sql.appends import (
    APPEND_BATCH,
    APPEND_MANY,
    APPEND_NEW_MANY,
    APPEND_NEW_ONE,
    APPEND_ONE,
    APPEND_RANDOM_ONE,
    EXISTING,
    INSERT_FROM_END,
    INSERT_FROM_START,
    RELEASE_EXPIRED_KEY,
    WAS_REMOVED,
)
from chatstore.postgres.sql.conversations import CONVERSATIONS, CREATE, KEYS, OWNED, UPDATE
from chatstore.postgres.sql.reads import (
    ALL,
    COUNT,
    FIND,
    NEWEST,
    NEWEST_AND_CONVERSATION,
    NEWEST_AND_LEADING,
    OLDEST,
)
from chatstore.postgres.sql.writes import (
    DELETE,
    FILL,
    PUT,
    REMOVE_BY_ID,
    REMOVE_FROM_END,
    REMOVE_FROM_START,
    REPLACE,
    TRUNCATE,
)

__all__ = [
    "ALL",
    "APPEND_BATCH",
    "APPEND_MANY",
    "APPEND_NEW_MANY",
    "APPEND_NEW_ONE",
    "APPEND_ONE",
    "APPEND_RANDOM_ONE",
    "BEGIN_EMPTY",
    "CONVERSATIONS",
    "COUNT",
    "CREATE",
    "DELETE",
    "END_EMPTY",
    "EXISTING",
    "FILL",
    "FIND",
    "INSERT_FROM_END",
    "INSERT_FROM_START",
    "KEYS",
    "LOCK",
    "NEWEST",
    "NEWEST_AND_CONVERSATION",
    "NEWEST_AND_LEADING",
    "OLDEST",
    "OWNED",
    "PURGE",
    "PUT",
    "RELEASE_EXPIRED_KEY",
    "REMOVE_BY_ID",
    "REMOVE_FROM_END",
    "REMOVE_FROM_START",
    "REPLACE",
    "TRUNCATE",
    "UPDATE",
    "WAS_REMOVED",
]

BEGIN_EMPTY = """INSERT INTO {conversations}
  (key, epoch, next_position, length, revision, created_at, updated_at)
VALUES ($1::bytea, 0, 0, 0, 0, statement_timestamp(), statement_timestamp())
ON CONFLICT (key) DO NOTHING"""
"""Begin a conversation in a transaction that goes on to write to it, or is rolled back."""

END_EMPTY = "DELETE FROM {conversations} WHERE key = $1::bytea AND revision = 0"
"""End a conversation that `BEGIN_EMPTY` began and nothing was written to."""

LOCK = "SELECT 1 FROM {conversations} WHERE key = $1::bytea FOR UPDATE"
"""Keep the conversation's row unchanged for the rest of the transaction."""

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
