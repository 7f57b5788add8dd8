"""The bare drivers with the smallest write that keeps the promises of this project's stores.

Messages are kept in the order in which the writes took effect, an id is stored once however often
its write is sent again, and a conversation can expire as a whole. There is nothing else: no record,
no revision, no other call.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from benchmarks.subjects.subject import Loop, text

_SCRIPT = """\
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then
  redis.call('RPUSH', KEYS[2], ARGV[1])
end
if ARGV[3] ~= '' then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return redis.call('LLEN', KEYS[2])"""
_NO_TTL = ""

_TABLES = (
    """CREATE TABLE IF NOT EXISTS floor_heads
    (key TEXT PRIMARY KEY, next BIGINT NOT NULL, expires_at TIMESTAMPTZ)""",
    """CREATE TABLE IF NOT EXISTS floor_messages (key TEXT, position BIGINT, id UUID, body TEXT,
    PRIMARY KEY (key, position), UNIQUE (key, id))""",
)
_APPEND = """\
WITH head AS (
  INSERT INTO floor_heads AS h (key, next, expires_at) VALUES ($1, 1, now() + $4::interval)
  ON CONFLICT (key) DO UPDATE SET next = h.next + 1, expires_at = excluded.expires_at
  RETURNING next
)
INSERT INTO floor_messages (key, position, id, body)
SELECT $1, next, $2::uuid, $3 FROM head
ON CONFLICT (key, id) DO NOTHING RETURNING position"""


def _id_and_body() -> tuple[str, str]:
    name = uuid.uuid4().hex
    message = {"v": 1, "id": name, "created_at": "2026-01-01T00:00:00+00:00"}
    return name, json.dumps({**message, "role": "user", "content": text()})


def _script_arguments(key: str) -> tuple[str, str, str, str, str]:
    return (f"floor:{{{key}}}:bodies", f"floor:{{{key}}}:order", *_id_and_body(), _NO_TTL)


class Redis:
    """``redis``: EVALSHA of a script with two writes."""

    def __init__(self, url: str) -> None:
        """Create a client and load the script."""
        import redis

        self._client: Any = redis.Redis.from_url(url, socket_timeout=60)
        self._sha = self._client.script_load(_SCRIPT)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._client.evalsha(self._sha, 2, *_script_arguments(key))


class AsyncRedis:
    """``redis.asyncio``: the same, async."""

    IS_ASYNC = True

    def __init__(self, url: str) -> None:
        """Create a client and load the script."""
        from redis.asyncio import Redis as Client

        self.run = Loop()
        self._client: Any = Client.from_url(url, socket_timeout=60)
        self._sha = self.run(self._client.script_load(_SCRIPT))

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        return await self._client.evalsha(self._sha, 2, *_script_arguments(key))

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self.async_append(key))


class Psycopg:
    """``psycopg``: one prepared statement in autocommit mode."""

    def __init__(self, url: str) -> None:
        """Connect and create the tables."""
        import psycopg

        connection = psycopg.connect(url, autocommit=True)
        for statement in _TABLES:
            connection.execute(statement)
        self._cursor: Any = psycopg.RawCursor(connection)

    def append(self, key: str) -> object:
        """See `Subject`."""
        parameters = (key, *_id_and_body(), None)
        return self._cursor.execute(_APPEND, parameters, prepare=True).fetchone()


class Asyncpg:
    """``asyncpg``: the same, async."""

    IS_ASYNC = True

    def __init__(self, url: str) -> None:
        """Connect and create the tables."""
        import asyncpg

        self.run = Loop()
        self._db: Any = self.run(asyncpg.connect(url))
        for statement in _TABLES:
            self.run(self._db.execute(statement))

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        return await self._db.fetchval(_APPEND, key, *_id_and_body(), None)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self.async_append(key))
