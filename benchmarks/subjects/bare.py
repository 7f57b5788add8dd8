"""The bare drivers: durable, atomic writes of the same bytes, and nothing else.

``fill`` replaces the old items in the fastest way that the driver has. Where a service has no
transaction of that size, batches replace the items one by one.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import uuid
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from benchmarks.subjects import same_promises
from benchmarks.subjects.subject import (
    Loop,
    Subject,
    azure_connection_string,
    secret_and_endpoint,
    text,
)

T = TypeVar("T")


def _body() -> str:
    message = {"v": 1, "id": "0" * 32, "created_at": "2026-01-01T00:00:00+00:00"}
    return json.dumps({**message, "role": "user", "content": text()})


def _bodies(count: int) -> list[str]:
    return [_body() for _ in range(count)]


def _batches(items: list[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(itertools.islice(rest, size)):
        yield batch


class Sqlite:
    """``sqlite3``: one INSERT in a transaction, WAL, synchronous FULL."""

    def __init__(self, url: str) -> None:
        """Open the file and create a table with an index."""
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
        self._db.execute("DELETE FROM m WHERE key = ?", (key,))
        rows = [(key, body) for body in _bodies(count)]
        self._db.executemany("INSERT INTO m (key, body) VALUES (?, ?)", rows)
        return self._db.execute("COMMIT")


class Redis:
    """``redis``: RPUSH."""

    def __init__(self, url: str) -> None:
        """Create a client."""
        import redis

        self._client: Any = redis.Redis.from_url(url, socket_timeout=60)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._client.rpush(f"bare:{key}", _body())

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        transaction = self._client.pipeline()
        transaction.delete(f"bare:{key}")
        transaction.rpush(f"bare:{key}", *_bodies(count))
        return transaction.execute()


class AsyncRedis:
    """``redis.asyncio``: RPUSH."""

    IS_ASYNC = True

    def __init__(self, url: str) -> None:
        """Create a client."""
        from redis.asyncio import Redis as Client

        self.run = Loop()
        self._client: Any = Client.from_url(url, socket_timeout=60)

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        return await self._client.rpush(f"bare:{key}", _body())

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self.async_append(key))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        transaction = self._client.pipeline()
        transaction.delete(f"bare:{key}")
        transaction.rpush(f"bare:{key}", *_bodies(count))
        return self.run(transaction.execute())


class UpstashRedis:
    """``upstash-redis``: RPUSH."""

    def __init__(self, url: str) -> None:
        """Create a client."""
        from upstash_redis import Redis as Client

        token, address = secret_and_endpoint(url)
        self._client: Any = Client(url=address, token=token)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._client.rpush(f"bare:{key}", _body())

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        transaction = self._client.multi()
        transaction.delete(f"bare:{key}")
        transaction.rpush(f"bare:{key}", *_bodies(count))
        return transaction.exec()


_TABLE = (
    "CREATE TABLE IF NOT EXISTS bare (id BIGSERIAL PRIMARY KEY, key TEXT, body TEXT)",
    "CREATE INDEX IF NOT EXISTS bare_by_key ON bare (key, id)",
)


class Psycopg:
    """``psycopg``: one INSERT in autocommit mode; COPY for many."""

    def __init__(self, url: str) -> None:
        """Connect and create a table with an index."""
        import psycopg

        self._db = psycopg.connect(url, autocommit=True)
        for statement in _TABLE:
            self._db.execute(statement)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._db.execute("INSERT INTO bare (key, body) VALUES (%s, %s)", (key, _body()))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        with self._db.transaction():
            self._db.execute("DELETE FROM bare WHERE key = %s", (key,))
            with self._db.cursor().copy("COPY bare (key, body) FROM STDIN") as copy:
                for body in _bodies(count):
                    copy.write_row((key, body))


class Asyncpg:
    """``asyncpg``: the same, async."""

    IS_ASYNC = True

    def __init__(self, url: str) -> None:
        """Connect and create a table with an index."""
        import asyncpg

        self.run = Loop()
        self._db: Any = self.run(asyncpg.connect(url))
        for statement in _TABLE:
            self.run(self._db.execute(statement))

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        insert = "INSERT INTO bare (key, body) VALUES ($1, $2)"
        return await self._db.execute(insert, key, _body())

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self.async_append(key))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        return self.run(self._fill(key, count))

    async def _fill(self, key: str, count: int) -> None:
        async with self._db.transaction():
            await self._db.execute("DELETE FROM bare WHERE key = $1", key)
            rows = [(key, body) for body in _bodies(count)]
            await self._db.copy_records_to_table("bare", records=rows, columns=("key", "body"))


class Boto3:
    """``boto3``: PutItem; BatchWriteItem for many."""

    def __init__(self, url: str) -> None:
        """Create a client."""
        import boto3

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
        items = [
            {"SessionId": {"S": f"{key} {number}"}, "Body": {"S": body}}
            for number, body in enumerate(_bodies(count))
        ]
        return [
            self._client.batch_write_item(
                RequestItems={"bare": [{"PutRequest": {"Item": item}} for item in batch]}
            )
            for batch in _batches(items, 25)
        ]


class AzureDataTables:
    """``azure-data-tables``: one entity; transactions of 100 for many."""

    def __init__(self, url: str) -> None:
        """Create a client and the table."""
        from azure.core.exceptions import ResourceExistsError
        from azure.data.tables import TableClient

        self._client: Any = TableClient.from_connection_string(azure_connection_string(url), "Bare")
        with contextlib.suppress(ResourceExistsError):
            self._client.create_table()

    def append(self, key: str) -> object:
        """See `Subject`."""
        entity = {"PartitionKey": key, "RowKey": str(uuid.uuid4()), "Body": _body()}
        return self._client.create_entity(entity)

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        entities = [
            {"PartitionKey": key, "RowKey": str(number), "Body": body}
            for number, body in enumerate(_bodies(count))
        ]
        return [
            self._client.submit_transaction([("upsert", entity) for entity in batch])
            for batch in _batches(entities, 100)
        ]


class AzureCosmos:
    """``azure-cosmos``: one item; transactional batches of 100 for many."""

    def __init__(self, url: str) -> None:
        """Create a client and the container."""
        from azure.cosmos import CosmosClient, PartitionKey

        account_key, address = secret_and_endpoint(url)
        database = CosmosClient(address, account_key).create_database_if_not_exists("bare")
        self._container: Any = database.create_container_if_not_exists("bare", PartitionKey("/key"))

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._container.create_item({"id": str(uuid.uuid4()), "key": key, "body": _body()})

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        items = [
            {"id": str(number), "key": key, "body": body}
            for number, body in enumerate(_bodies(count))
        ]
        return [
            self._container.execute_item_batch([("upsert", (item,)) for item in batch], key)
            for batch in _batches(items, 100)
        ]


def make(name: str, url: str) -> Subject:
    """Return the subject of a name."""
    kinds: dict[str, Any] = {
        "bare sqlite3": Sqlite,
        "bare redis": Redis,
        "bare redis.asyncio": AsyncRedis,
        "bare upstash-redis": UpstashRedis,
        "bare psycopg": Psycopg,
        "bare asyncpg": Asyncpg,
        "bare boto3": Boto3,
        "bare azure-data-tables": AzureDataTables,
        "bare azure-cosmos": AzureCosmos,
        "bare redis, same promises": same_promises.Redis,
        "bare redis.asyncio, same promises": same_promises.AsyncRedis,
        "bare psycopg, same promises": same_promises.Psycopg,
        "bare asyncpg, same promises": same_promises.Asyncpg,
    }
    subject: Subject = kinds[name](url)
    return subject
