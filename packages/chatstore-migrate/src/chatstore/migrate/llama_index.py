"""Sources for the conversations of LlamaIndex's own chat stores.

Each function takes the client that the chat store uses, leaves it open, and only reads. `migrate`
raises `CorruptMessageError` for anything that is not a message of LlamaIndex.
"""

from __future__ import annotations

import os
from typing import Any

from chatstore.core import ChatMessage
from chatstore.migrate.azure_tables import AzureTable
from chatstore.migrate.dynamodb import DynamoDBItems
from chatstore.migrate.json_files import JSONFile
from chatstore.migrate.redis_lists import RedisLists
from chatstore.migrate.sources import MappedSource, Reader, Source
from chatstore.migrate.sql import SQLArrays, SQLRows

try:
    from llama_index.core.llms import ChatMessage as LlamaIndexMessage

    from chatstore.llama_index import to_messages
except ImportError as error:
    raise ImportError(
        "chatstore-llama-index is missing: pip install 'chatstore-migrate[llama-index]'"
    ) from error

__all__ = [
    "from_azure",
    "from_dynamodb",
    "from_json",
    "from_memory",
    "from_postgres",
    "from_redis",
    "from_sqlite",
]


def from_json(path: str | os.PathLike[str]) -> Source:
    """Read the file that ``SimpleChatStore.persist`` wrote.

    Raises:
        FileNotFoundError: The file does not exist.
        CorruptStoreError: The file is not that of a ``SimpleChatStore``.

    """
    return _source(JSONFile(path, field="store"))


def from_redis(client: Any, *, prefix: str = "") -> Source:
    """Read the lists of a ``RedisChatStore`` or an ``UpstashChatStore``.

    Args:
        client: A sync client of redis-py or upstash-redis.
        prefix: Read only lists whose names begin with it; it is removed from the keys.
            LlamaIndex adds no prefix of its own: without one, every list of the database is read
            as a conversation.

    """
    return _source(RedisLists(client, prefix=prefix))


def from_postgres(
    engine: Any, table_name: str = "chatstore", schema_name: str | None = "public"
) -> Source:
    """Read the arrays of a ``PostgresChatStore``.

    Args:
        engine: A sync ``Engine`` of SQLAlchemy.
        table_name: The chat store's argument of this name. Older versions of LlamaIndex put
            ``data_`` before it; a table with such a name is read instead if it exists.
        schema_name: The chat store's argument of this name.

    """
    import sqlalchemy  # it is installed, since the caller has an engine

    old_name = f"data_{table_name}"
    table = old_name if sqlalchemy.inspect(engine).has_table(old_name, schema_name) else table_name
    return _source(SQLArrays(engine, table, key="key", value="value", schema=schema_name))


def from_sqlite(engine: Any, table_name: str = "chatstore") -> Source:
    """Read the rows of a ``SQLiteChatStore``.

    Args:
        engine: A sync ``Engine`` of SQLAlchemy.
        table_name: The chat store's argument of this name.

    """
    return _source(SQLRows(engine, f"data_{table_name}", key="key", value="value"))


def from_memory(
    engine: Any, table_name: str = "llama_index_memory", schema_name: str | None = None
) -> Source:
    """Read the rows of a ``SQLAlchemyChatStore``, where ``Memory`` keeps all its messages.

    Archived messages are copied too.

    Args:
        engine: A sync ``Engine`` of SQLAlchemy.
        table_name: The memory's argument of this name.
        schema_name: The memory's argument of this name.

    """
    return _source(SQLRows(engine, table_name, key="key", value="data", schema=schema_name))


def from_dynamodb(table: Any, primary_key: str = "SessionId") -> Source:
    """Read the items of a ``DynamoDBChatStore``.

    Args:
        table: boto3's ``Table`` resource.
        primary_key: The chat store's argument of this name.

    """
    return _source(DynamoDBItems(table, primary_key=primary_key))


def from_azure(client: Any) -> Source:
    """Read the entities of an ``AzureChatStore``.

    Args:
        client: A sync ``TableClient`` of azure-data-tables for the table of messages.

    """
    return _source(AzureTable(client))


def _source(reader: Reader) -> Source:
    return MappedSource(reader, _to_message)


def _to_message(value: Any) -> ChatMessage:
    [message] = to_messages([LlamaIndexMessage.model_validate(value)])
    return message
