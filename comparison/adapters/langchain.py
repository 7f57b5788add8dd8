"""LangChain: its chat message histories with ``trim_messages``."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from comparison.adapters import langchain_messages
from comparison.adapters.adapter import Adapter, Message
from comparison.adapters.langchain_messages import from_native, to_native


class LangChain(Adapter):
    """A new history for each call, as its users make one for each request."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """See `Adapter`."""
        is_redis = url.startswith("redis:")
        super().__init__(url, None if is_redis else ttl)
        self.history = _redis(url, ttl) if is_redis else _sql(url)

    def append(self, key: str, message: Message) -> None:
        """See `Adapter`."""
        self.history(key).add_message(to_native(message))

    def write_many(self, key: str, messages: list[Message]) -> None:
        """See `Adapter`."""
        self.history(key).add_messages([to_native(message) for message in messages])

    def read(self, key: str) -> list[Message]:
        """See `Adapter`."""
        return [from_native(message) for message in self.history(key).messages]

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """See `Adapter`."""
        self.write_many(key, messages)
        return langchain_messages.trim(self.history(key).messages, limit)

    def window_limits(self) -> list[int]:
        """See `Adapter`."""
        return langchain_messages.WINDOW_LIMITS

    def samples(self) -> dict[str, Any]:
        """See `Adapter`."""
        return langchain_messages.samples()

    def put_sample(self, key: str, sample: Any) -> None:
        """See `Adapter`."""
        self.history(key).add_message(sample)

    def get_sample(self, key: str) -> Any:
        """See `Adapter`."""
        return self.history(key).messages[0]

    def same(self, before: Any, after: Any) -> bool:
        """See `Adapter`."""
        return langchain_messages.same(before, after)


def _redis(url: str, ttl: float | None) -> Callable[[str], Any]:
    from langchain_community.chat_message_histories import RedisChatMessageHistory

    seconds = None if ttl is None else round(ttl)
    return lambda key: RedisChatMessageHistory(key, url=url, ttl=seconds)


def _sql(url: str) -> Callable[[str], Any]:
    if url.startswith("sqlite:"):
        from langchain_community.chat_message_histories import SQLChatMessageHistory
        from sqlalchemy import create_engine

        engine = create_engine(url)
        return lambda key: SQLChatMessageHistory(key, connection=engine)
    import psycopg
    from langchain_postgres import PostgresChatMessageHistory

    connection = psycopg.connect(url)
    table = "histories"
    PostgresChatMessageHistory.create_tables(connection, table)
    return lambda key: PostgresChatMessageHistory(table, _uuid(key), sync_connection=connection)


def _uuid(key: str) -> str:
    """Give the class UUIDs, since it takes only those; the check of keys has other prefixes."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, key)) if key.startswith("plain") else key


make = LangChain
