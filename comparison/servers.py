"""The servers: real ones on free ports of this machine, files, and the worker's memory."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
import redis
from benchmarks.environments import ROOT
from psycopg import sql

from chatstore.redis_scripts.testing import redis_server

_TESTS_OF_POSTGRES = ROOT / "packages" / "chatstore-postgres" / "tests"


class Server(Protocol):
    """Where stores keep their data.

    Attributes:
        port: The port that relays connect to; ``None``: the store has no server.

    """

    port: int | None

    def fresh_url(self) -> str:
        """Return the URL of an empty database, with ``{port}`` in the place of its port."""
        ...

    def damage(self, marker: str) -> int:
        """Overwrite everything stored that contains a text; return how many values."""
        ...

    def stop(self) -> None:
        """Stop the server."""

    def start(self) -> None:
        """Start the server again, on the same port, with its data."""


class Memory:
    """The worker's own memory: nothing outlives it, and nothing outside can damage it."""

    port: int | None = None

    def fresh_url(self) -> str:
        """See `Server`."""
        return "memory://"

    def damage(self, marker: str) -> int:
        """See `Server`."""
        del marker
        return 0

    def stop(self) -> None:
        """Do nothing."""

    start = stop


class Files(Memory):
    """SQLite files, or folders with files."""

    def __init__(self, folder: Path, kind: str) -> None:
        """Keep the files of a kind, ``"sqlite"`` or ``"folder"``, in a folder."""
        self._folder, self._kind, self._path = folder, kind, folder

    def fresh_url(self) -> str:
        """See `Server`."""
        self._path = self._folder / uuid.uuid4().hex
        if self._kind == "folder":
            self._path.mkdir()
            return f"file://{self._path}"
        return f"sqlite:///{self._path}.db"

    def damage(self, marker: str) -> int:
        """See `Server`."""
        if self._kind == "sqlite":
            return _damage_sqlite(f"{self._path}.db", marker.encode())
        files = [file for file in self._path.rglob("*") if file.is_file()]
        matches = [file for file in files if marker.encode() in file.read_bytes()]
        for file in matches:
            lines = file.read_bytes().splitlines(keepends=True)
            file.write_bytes(
                b"".join(b"{broken\n" if marker.encode() in line else line for line in lines)
            )
        return len(matches)


class Redis:
    """A redis-server that writes each change to disk."""

    def __init__(self, server: Any) -> None:
        """Take a running server."""
        self._server, self.port = server, server.port

    def fresh_url(self) -> str:
        """See `Server`."""
        self._client().flushall()
        return "redis://127.0.0.1:{port}/0"

    def _client(self) -> Any:
        return redis.Redis(port=self.port)

    def damage(self, marker: str) -> int:
        """See `Server`."""
        client, count = self._client(), 0
        for key in client.scan_iter():
            count += _DAMAGE_REDIS[client.type(key)](client, key, marker.encode())
        return count

    def stop(self) -> None:
        """See `Server`."""
        self._server.stop()

    def start(self) -> None:
        """See `Server`."""
        self._server.start()


class Postgres:
    """A Postgres server; each fresh URL is a database of its own."""

    def __init__(self, server: Any) -> None:
        """Take a running server."""
        self._server, self.port = server, server.port
        self._database = "postgres"

    def fresh_url(self) -> str:
        """See `Server`."""
        self._database = f"d{uuid.uuid4().hex}"
        self._server.execute(f"CREATE DATABASE {self._database}")
        return f"postgresql://postgres@127.0.0.1:{{port}}/{self._database}"

    def damage(self, marker: str) -> int:
        """See `Server`."""
        with psycopg.connect(self._server.url(self._database), autocommit=True) as connection:
            return _damage_postgres(connection, marker)

    def stop(self) -> None:
        """See `Server`."""
        self._server.stop()

    def start(self) -> None:
        """See `Server`."""
        self._server.start()


@contextmanager
def start(kind: str) -> Iterator[Server]:
    """Start a server, and stop it at the end.

    Args:
        kind: ``"memory"``, ``"folder"``, ``"sqlite"``, ``"redis"`` or ``"postgres"``.

    """
    if kind == "memory":
        yield Memory()
    elif kind in {"folder", "sqlite"}:
        with tempfile.TemporaryDirectory(
            prefix="comparison-", ignore_cleanup_errors=True
        ) as folder:
            yield Files(Path(folder), kind)
    elif kind == "redis":
        with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
            yield Redis(server)
    else:
        with _postgres() as server:
            yield Postgres(server)


@contextmanager
def _postgres() -> Iterator[Any]:
    sys.path.append(str(_TESTS_OF_POSTGRES))
    from postgres_servers import PostgresServer, newest_binaries

    server = PostgresServer(newest_binaries())
    try:
        yield server
    finally:
        server.close()


def _damage_sqlite(path: str, marker: bytes) -> int:
    count = 0
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            columns = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            for (column,) in columns.fetchall():
                statement = (
                    f'UPDATE "{table}" SET "{column}" = ?'
                    f' WHERE instr(CAST("{column}" AS BLOB), ?) > 0'
                )
                count += connection.execute(statement, ("{broken", marker)).rowcount
    return count


def _damage_string(client: Any, key: bytes, marker: bytes) -> int:
    return int(marker in client.get(key) and client.set(key, b"{broken", keepttl=True))


def _damage_list(client: Any, key: bytes, marker: bytes) -> int:
    matches = [index for index, item in enumerate(client.lrange(key, 0, -1)) if marker in item]
    for index in matches:
        client.lset(key, index, b"{broken")
    return len(matches)


def _damage_hash(client: Any, key: bytes, marker: bytes) -> int:
    matches = [name for name, value in client.hgetall(key).items() if marker in value]
    for name in matches:
        client.hset(key, name, b"{broken")
    return len(matches)


def _damage_sorted_set(client: Any, key: bytes, marker: bytes) -> int:
    matches = [item for item in client.zrange(key, 0, -1, withscores=True) if marker in item[0]]
    for value, score in matches:
        client.zrem(key, value)
        client.zadd(key, {b"{broken": score})
    return len(matches)


def _leave(client: Any, key: bytes, marker: bytes) -> int:
    del client, key, marker
    return 0


_DAMAGE_REDIS = {
    b"string": _damage_string,
    b"list": _damage_list,
    b"hash": _damage_hash,
    b"zset": _damage_sorted_set,
    b"set": _leave,
    b"stream": _leave,
}
# What a value of a type is overwritten with: the column's type allows nothing worse.
_BROKEN = {
    "text": "'{broken'",
    "character varying": "'{broken'",
    "bytea": "'{broken'::bytea",
    "json": """'{"broken": 1}'::json""",
    "jsonb": """'{"broken": 1}'::jsonb""",
    "ARRAY": """ARRAY['{"broken": 1}']""",
}
_ARRAYS = ("_json", "_jsonb", "_text")


def _damage_postgres(connection: psycopg.Connection[Any], marker: str) -> int:
    count = 0
    columns = connection.execute(
        "SELECT table_name, column_name, data_type, udt_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND is_generated = 'NEVER'"
    )
    for table, column, kind, element in columns.fetchall():
        if kind not in _BROKEN or (kind == "ARRAY" and element not in _ARRAYS):
            continue
        cast = f"::{element[1:]}[]" if kind == "ARRAY" else ""
        names = [sql.Identifier(name).as_string(connection) for name in (table, column)]
        text = f"encode({names[1]}, 'escape')" if kind == "bytea" else f"{names[1]}::text"
        statement = (
            f"UPDATE {names[0]} SET {names[1]} = {_BROKEN[kind]}{cast}"
            f" WHERE position(%s in {text}) > 0"
        )
        count += connection.execute(statement.encode(), (marker,)).rowcount
    return count
