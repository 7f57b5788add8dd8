"""Moving in from LangChain's own message histories: each function returns a source for `migrate`.

They take the clients that those histories use, leave them open, and only read. `migrate` raises
`CorruptMessageError` where something is stored that is no message of LangChain.
"""

from __future__ import annotations

import os
from typing import Any

from langchain_core.messages import messages_from_dict

from chatstore.core import ChatMessage
from chatstore.core.migration import (
    Conversations,
    DynamoDBItems,
    JSONFile,
    MappedSource,
    Migrated,
    MigrationError,
    RedisJSONDocuments,
    RedisLists,
    Source,
    SQLRows,
    migrate,
)
from chatstore.langchain.messages import to_messages

__all__ = [
    "Migrated",
    "MigrationError",
    "from_dynamodb",
    "from_file",
    "from_postgres",
    "from_redis",
    "from_redis_json",
    "from_sql",
    "migrate",
]


def from_file(path: str | os.PathLike[str], key: str | None = None) -> Source:
    """Read the file of ``FileChatMessageHistory``: one conversation.

    Args:
        path: The file.
        key: The conversation's key; by default the file's name without its suffix.

    Raises:
        FileNotFoundError: There is no such file.
        CorruptStoreError: It is no file of messages.

    """
    return _source(JSONFile(path, key=key))


def from_sql(
    engine: Any, table_name: str = "message_store", session_id_field_name: str = "session_id"
) -> Source:
    """Read the rows of ``SQLChatMessageHistory``.

    Args:
        engine: A sync engine of SQLAlchemy.
        table_name: As the history has it.
        session_id_field_name: The same.

    """
    return _source(SQLRows(engine, table_name, key=session_id_field_name, value="message"))


def from_postgres(engine: Any, table_name: str, schema_name: str | None = None) -> Source:
    """Read the rows of langchain-postgres's ``PostgresChatMessageHistory``.

    Args:
        engine: A sync engine of SQLAlchemy.
        table_name: As the history has it.
        schema_name: The table's schema, where it is not the default.

    """
    rows = SQLRows(engine, table_name, key="session_id", value="message", schema=schema_name)
    return _source(rows)


def from_redis(client: Any, key_prefix: str = "message_store:") -> Source:
    """Read the lists of langchain-community's histories for Redis and Upstash.

    Args:
        client: A sync client of redis-py or upstash-redis.
        key_prefix: As the history has it.

    """
    return _source(RedisLists(client, prefix=key_prefix, newest_first=True))


def from_redis_json(client: Any, key_prefix: str = "chat:") -> Source:
    """Read the documents of langchain-redis's ``RedisChatMessageHistory``.

    Args:
        client: A sync client of redis-py.
        key_prefix: As the history has it.

    """
    documents = RedisJSONDocuments(
        client, prefix=key_prefix, key_field="session_id", time_field="timestamp"
    )
    return _source(documents)


def from_dynamodb(
    table: Any, primary_key_name: str = "SessionId", history_messages_key: str = "History"
) -> Source:
    """Read the items of ``DynamoDBChatMessageHistory``.

    Args:
        table: boto3's ``Table`` resource.
        primary_key_name: As the history has it.
        history_messages_key: The same.

    """
    items = DynamoDBItems(table, primary_key=primary_key_name, attribute=history_messages_key)
    return _source(items)


def _source(conversations: Conversations) -> Source:
    return MappedSource(conversations, _to_message)


def _to_message(value: Any) -> ChatMessage:
    [message] = to_messages(messages_from_dict([value]))
    return message
