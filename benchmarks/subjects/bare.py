"""The drivers alone, doing the least honest work: one durable, atomic write of the same bytes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from benchmarks.subjects.subject import Loop, Subject, azure_connection_string, text


def _body() -> str:
    message = {"v": 1, "id": "0" * 32, "created_at": "2026-01-01T00:00:00+00:00"}
    return json.dumps({**message, "role": "user", "content": text()})


class Sqlite:
    """``sqlite3``: an INSERT in a transaction of its own, WAL, synchronous FULL."""

    def __init__(self, url: str) -> None:
        """Open the file and make a table with an index."""
        self._db = sqlite3.connect(url.removeprefix("sqlite:///") + ".bare", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS m (id INTEGER PRIMARY KEY, key TEXT, body TEXT)"
        )
        self._db.execute("CREATE INDEX IF NOT EXISTS by_key ON m (key, id)")

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._db.execute("INSERT INTO m (key, body) VALUES (?, ?)", (key, _body()))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        self._db.execute("BEGIN")
        rows = [(key, _body()) for _ in range(count)]
        self._db.executemany("INSERT INTO m (key, body) VALUES (?, ?)", rows)
        return self._db.execute("COMMIT")


class Redis:
    """``redis``: RPUSH."""

    def __init__(self, url: str) -> None:
        """Make a client."""
        import redis  # noqa: PLC0415 - each driver is loaded where it is measured

        self._client: Any = redis.Redis.from_url(url)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._client.rpush(f"bare:{key}", _body())

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        return self._client.rpush(f"bare:{key}", *[_body() for _ in range(count)])


_TABLE = (
    "CREATE TABLE IF NOT EXISTS bare (id BIGSERIAL PRIMARY KEY, key TEXT, body TEXT)",
    "CREATE INDEX IF NOT EXISTS bare_by_key ON bare (key, id)",
)
_FILL = "INSERT INTO bare (key, body) SELECT {0}, {1} FROM generate_series(1, {2})"


class Psycopg:
    """``psycopg``: an INSERT, committed by itself."""

    def __init__(self, url: str) -> None:
        """Connect and make a table with an index."""
        import psycopg  # noqa: PLC0415

        self._db = psycopg.connect(url, autocommit=True)
        for statement in _TABLE:
            self._db.execute(statement)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._db.execute("INSERT INTO bare (key, body) VALUES (%s, %s)", (key, _body()))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        return self._db.execute(_FILL.format("%s", "%s", "%s"), (key, _body(), count))


class Asyncpg:
    """``asyncpg``: the same, awaited."""

    def __init__(self, url: str) -> None:
        """Connect and make a table with an index."""
        import asyncpg  # noqa: PLC0415

        self._run = Loop()
        self._db: Any = self._run(asyncpg.connect(url))
        for statement in _TABLE:
            self._run(self._db.execute(statement))

    def append(self, key: str) -> object:
        """See `Subject`."""
        insert = "INSERT INTO bare (key, body) VALUES ($1, $2)"
        return self._run(self._db.execute(insert, key, _body()))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        fill = _FILL.format("$1::text", "$2::text", "$3::int")
        return self._run(self._db.execute(fill, key, _body(), count))


class Boto3:
    """``boto3``: PutItem."""

    def __init__(self, url: str) -> None:
        """Make a client."""
        import boto3  # noqa: PLC0415

        options = dict(parse_qsl(urlsplit(url).query))
        self._client: Any = boto3.client(
            "dynamodb", region_name=options["region"], endpoint_url=options["endpoint_url"]
        )

    def append(self, key: str) -> object:
        """See `Subject`."""
        item = {"SessionId": {"S": f"{key} {uuid.uuid4()}"}, "Body": {"S": _body()}}
        return self._client.put_item(TableName="bare", Item=item)

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        return [self.append(key) for _ in range(count)]


class AzureDataTables:
    """``azure-data-tables``: an entity of its own."""

    def __init__(self, url: str) -> None:
        """Make a client and the table."""
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415
        from azure.data.tables import TableClient  # noqa: PLC0415

        self._client: Any = TableClient.from_connection_string(azure_connection_string(url), "Bare")
        with contextlib.suppress(ResourceExistsError):
            self._client.create_table()

    def append(self, key: str) -> object:
        """See `Subject`."""
        entity = {"PartitionKey": key, "RowKey": str(uuid.uuid4()), "Body": _body()}
        return self._client.create_entity(entity)

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        return [self.append(key) for _ in range(count)]


def make(name: str, url: str) -> Subject:
    """Return the subject of a name."""
    kinds: dict[str, Any] = {
        "bare sqlite3": Sqlite,
        "bare redis": Redis,
        "bare psycopg": Psycopg,
        "bare asyncpg": Asyncpg,
        "bare boto3": Boto3,
        "bare azure-data-tables": AzureDataTables,
    }
    subject: Subject = kinds[name](url)
    return subject
