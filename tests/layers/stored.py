"""What a database holds, read without a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_sqlite(harness: Any) -> str:
    """Return all bytes of the database's files."""
    files = Path(harness.path).parent.glob("chat.db*")
    return "".join(file.read_bytes().decode("latin-1") for file in files)


def in_redis(harness: Any) -> str:
    """Return all keys and values."""
    import redis

    read: dict[Any, Callable[[Any, Any], Any]] = {
        b"hash": lambda client, key: client.hgetall(key),
        b"zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
        b"string": lambda client, key: client.get(key),
    }
    with redis.Redis(port=harness.port) as client:
        keys = list(client.scan_iter(f"{harness.namespace}*"))
        return repr([(key, read[client.type(key)](client, key)) for key in keys])


def in_postgres(harness: Any) -> str:
    """Return all rows of the store's tables."""
    tables = harness.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_name LIKE %s",
        f"{harness.table}%",
    )
    assert len(tables) >= 2
    return repr([harness.execute(f"SELECT * FROM {table}") for (table,) in tables])


def in_dynamodb(harness: Any) -> str:
    """Return all items of the table."""
    pages = harness.client.get_paginator("scan").paginate(TableName=harness.table)
    return repr([item for page in pages for item in page["Items"]])


DUMPS = {
    "sqlite": in_sqlite,
    "redis": in_redis,
    "postgres": in_postgres,
    "dynamodb": in_dynamodb,
}
