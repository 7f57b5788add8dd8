"""Sources for the conversations of LangChain's own message histories.

Each function takes the client that the history uses, leaves it open, and only reads. `migrate`
raises `CorruptMessageError` for anything that is not a message of LangChain.
"""

from __future__ import annotations

import os
from typing import Any

from chatstore.core import ChatMessage
from chatstore.migrate.dynamodb import DynamoDBItems
from chatstore.migrate.json_files import JSONFile
from chatstore.migrate.redis_json import RedisJSONDocuments
from chatstore.migrate.redis_lists import RedisLists
from chatstore.migrate.sources import MappedSource, Reader, Source
from chatstore.migrate.sql import SQLRows

try:
    from langchain_core.messages import messages_from_dict

    from chatstore.langchain import to_messages
except ImportError as error:
    raise ImportError(
        "chatstore-langchain is missing: pip install 'chatstore-migrate[langchain]'"
    ) from error

__all__ = [
    "from_dynamodb",
    "from_file",
    "from_postgres",
    "from_redis",
    "from_redis_json",
    "from_sql",
]


def from_file(path: str | os.PathLike[str], key: str | None = None) -> Source:
    """Read the file of a ``FileChatMessageHistory``, which is one conversation.

    Args:
        path: The file.
        key: The conversation's key; by default the file's name without its suffix.

    Raises:
        FileNotFoundError: The file does not exist.
        CorruptStoreError: The file is not a list of messages.

    """
    return _source(JSONFile(path, key=key))


def from_sql(
    engine: Any, table_name: str = "message_store", session_id_field_name: str = "session_id"
) -> Source:
    """Read the rows of a ``SQLChatMessageHistory``.

    Args:
        engine: A sync ``Engine`` of SQLAlchemy.
        table_name: The history's argument of this name.
        session_id_field_name: The history's argument of this name.

    """
    return _source(SQLRows(engine, table_name, key=session_id_field_name, value="message"))


def from_postgres(engine: Any, table_name: str, schema_name: str | None = None) -> Source:
    """Read the rows of a ``PostgresChatMessageHistory`` of langchain-postgres.

    Args:
        engine: A sync ``Engine`` of SQLAlchemy.
        table_name: The history's argument of this name.
        schema_name: The table's schema; ``None``: the database's default.

    """
    rows = SQLRows(engine, table_name, key="session_id", value="message", schema=schema_name)
    return _source(rows)


def from_redis(client: Any, key_prefix: str = "message_store:") -> Source:
    """Read the lists of langchain-community's histories for Redis and Upstash.

    Args:
        client: A sync client of redis-py or upstash-redis.
        key_prefix: The history's argument of this name.

    """
    return _source(RedisLists(client, prefix=key_prefix, newest_first=True))


def from_redis_json(client: Any, key_prefix: str = "chat:") -> Source:
    """Read the documents of a ``RedisChatMessageHistory`` of langchain-redis.

    Args:
        client: A sync client of redis-py.
        key_prefix: The history's argument of this name.

    """
    documents = RedisJSONDocuments(
        client, prefix=key_prefix, key_field="session_id", time_field="timestamp"
    )
    return _source(documents)


def from_dynamodb(
    table: Any, primary_key_name: str = "SessionId", history_messages_key: str = "History"
) -> Source:
    """Read the items of a ``DynamoDBChatMessageHistory``.

    Args:
        table: boto3's ``Table`` resource.
        primary_key_name: The history's argument of this name.
        history_messages_key: The history's argument of this name.

    """
    items = DynamoDBItems(table, primary_key=primary_key_name, attribute=history_messages_key)
    return _source(items)


def _source(reader: Reader) -> Source:
    return MappedSource(reader, _to_message)


def _to_message(value: Any) -> ChatMessage:
    [message] = to_messages(messages_from_dict([value]))
    return message
