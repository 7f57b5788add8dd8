"""Moving in from LlamaIndex's own chat stores: each function returns a source for `migrate`.

They take the clients that those stores use, leave them open, and only read. `migrate` raises
`CorruptMessageError` where something is stored that is no message of LlamaIndex.
"""

from __future__ import annotations

import os
from typing import Any

from llama_index.core.llms import ChatMessage as LlamaIndexMessage

from chatstore.core import ChatMessage
from chatstore.core.migration import (
    AzureTable,
    Conversations,
    DynamoDBItems,
    JSONFile,
    MappedSource,
    Migrated,
    MigrationError,
    RedisLists,
    Source,
    SQLArrays,
    SQLRows,
    migrate,
)
from chatstore.llama_index.messages import to_messages

__all__ = [
    "Migrated",
    "MigrationError",
    "from_azure",
    "from_dynamodb",
    "from_json",
    "from_memory",
    "from_postgres",
    "from_redis",
    "from_sqlite",
    "migrate",
]


def from_json(path: str | os.PathLike[str]) -> Source:
    """Read what ``SimpleChatStore.persist`` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        CorruptStoreError: It is no file of a chat store.

    """
    return _source(JSONFile(path, field="store"))


def from_redis(client: Any, *, prefix: str = "") -> Source:
    """Read the lists of ``RedisChatStore`` or ``UpstashChatStore``.

    Args:
        client: A sync client of redis-py or upstash-redis.
        prefix: What the names of the conversations' lists begin with, and is no part of the keys.
            LlamaIndex has no prefix of its own: without one here, every list of the database is
            taken for a conversation.

    """
    return _source(RedisLists(client, prefix=prefix))


def from_postgres(
    engine: Any, table_name: str = "chatstore", schema_name: str | None = "public"
) -> Source:
    """Read the arrays of ``PostgresChatStore``, in either form of its table's name.

    Args:
        engine: A sync engine of SQLAlchemy.
        table_name: As the store has it.
        schema_name: The same.

    """
    import sqlalchemy  # noqa: PLC0415 - whoever has an engine has it

    old = f"data_{table_name}"
    table = old if sqlalchemy.inspect(engine).has_table(old, schema_name) else table_name
    return _source(SQLArrays(engine, table, key="key", value="value", schema=schema_name))


def from_sqlite(engine: Any, table_name: str = "chatstore") -> Source:
    """Read the rows of ``SQLiteChatStore``.

    Args:
        engine: A sync engine of SQLAlchemy.
        table_name: As the store has it.

    """
    return _source(SQLRows(engine, f"data_{table_name}", key="key", value="value"))


def from_memory(
    engine: Any, table_name: str = "llama_index_memory", schema_name: str | None = None
) -> Source:
    """Read the rows of ``SQLAlchemyChatStore``, where ``Memory`` keeps messages, archived or not.

    Args:
        engine: A sync engine of SQLAlchemy.
        table_name: As the memory has it.
        schema_name: The same.

    """
    return _source(SQLRows(engine, table_name, key="key", value="data", schema=schema_name))


def from_dynamodb(table: Any, primary_key: str = "SessionId") -> Source:
    """Read the items of ``DynamoDBChatStore``.

    Args:
        table: boto3's ``Table`` resource.
        primary_key: As the store has it.

    """
    return _source(DynamoDBItems(table, primary_key=primary_key))


def from_azure(client: Any) -> Source:
    """Read the entities of ``AzureChatStore``.

    Args:
        client: A sync ``TableClient`` of azure-data-tables, of the table of messages.

    """
    return _source(AzureTable(client))


def _source(conversations: Conversations) -> Source:
    return MappedSource(conversations, _to_message)


def _to_message(value: Any) -> ChatMessage:
    [message] = to_messages([LlamaIndexMessage.model_validate(value)])
    return message
