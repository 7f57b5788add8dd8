"""LangChain: its chat message histories with ``trim_messages``."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import urlsplit

from langchain_core.messages import AIMessage, HumanMessage, trim_messages

from benchmarks.subjects.subject import WINDOW_TOKENS, Loop, Subject, secret_and_endpoint, text

_KINDS = (HumanMessage, AIMessage)
_TABLE = "langchain_history"
_POOL = 16  # connections, as many as SQLAlchemy's pool has by default


def _sqlite(url: str) -> Callable[[str], Any]:
    from langchain_community.chat_message_histories import SQLChatMessageHistory
    from sqlalchemy import create_engine

    engine = create_engine(f"{url}.langchain")
    return lambda key: SQLChatMessageHistory(key, connection=engine)


def _redis(url: str) -> Callable[[str], Any]:
    from langchain_community.chat_message_histories import RedisChatMessageHistory

    return lambda key: RedisChatMessageHistory(key, url=url)


def _postgres(url: str) -> Callable[[str], Any]:
    import psycopg
    from langchain_postgres import PostgresChatMessageHistory

    connection = psycopg.connect(url)
    PostgresChatMessageHistory.create_tables(connection, _TABLE)

    def make(key: str) -> Any:
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, key))
        return PostgresChatMessageHistory(_TABLE, name, sync_connection=connection)

    return make


def _upstash(url: str) -> Callable[[str], Any]:
    from langchain_community.chat_message_histories import (
        UpstashRedisChatMessageHistory,
    )

    token, address = secret_and_endpoint(url)
    return lambda key: UpstashRedisChatMessageHistory(key, url=address, token=token)


def _cosmos(url: str) -> Callable[[str], Any]:
    from langchain_azure_cosmosdb import CosmosDBChatMessageHistory

    key_of_account, address = secret_and_endpoint(url)

    def make(key: str) -> Any:
        history = CosmosDBChatMessageHistory(
            address, "langchain", "histories", key, "user", credential=key_of_account
        )
        history.prepare_cosmos()
        return history

    return make


async def _append_sqlite(url: str) -> Callable[[str, Any], Awaitable[None]]:
    from langchain_community.chat_message_histories import SQLChatMessageHistory
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(f"{url}.langchain".replace("sqlite:", "sqlite+aiosqlite:"))

    async def append(key: str, message: Any) -> None:
        await SQLChatMessageHistory(key, connection=engine).aadd_messages([message])

    return append


async def _append_postgres(url: str) -> Callable[[str, Any], Awaitable[None]]:
    from langchain_postgres import PostgresChatMessageHistory
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(url, min_size=_POOL, open=False)
    await pool.open(wait=True)

    async def append(key: str, message: Any) -> None:
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, key))
        async with pool.connection() as connection:
            history = PostgresChatMessageHistory(_TABLE, name, async_connection=connection)
            await history.aadd_messages([message])

    return append


_ASYNC_OPENERS = {"sqlite": _append_sqlite, "postgresql": _append_postgres}
"""Histories with async methods of their own; the others run their sync methods in threads."""
_OPENERS: dict[str, Callable[[str], Callable[[str], Any]]] = {
    "sqlite": _sqlite,
    "redis": _redis,
    "postgresql": _postgres,
    "upstash+http": _upstash,
    "cosmos+http": _cosmos,
}


class LangChain:
    """A new history for each request, as its users do."""

    def __init__(self, url: str) -> None:
        """Open what the histories share, such as an engine."""
        self.run = Loop()
        self._url = url
        self._scheme = urlsplit(url).scheme
        self._history = _OPENERS[self._scheme](url)
        self._async_append: asyncio.Task[Any] | None = None

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        message = HumanMessage(text())
        if self._scheme not in _ASYNC_OPENERS:
            return await self._history(key).aadd_messages([message])
        if self._async_append is None:  # one task opens, the others wait for it
            self._async_append = asyncio.create_task(_ASYNC_OPENERS[self._scheme](self._url))
        append = await self._async_append
        return await append(key, message)

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._history(key).add_message(HumanMessage(text()))

    def window(self, key: str) -> object:
        """See `Subject`."""
        return trim_messages(
            self._history(key).messages,
            max_tokens=WINDOW_TOKENS,
            token_counter="approximate",
            strategy="last",
            start_on="human",
        )

    def read(self, key: str) -> int:
        """See `Subject`."""
        return len(self._history(key).messages)

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        history = self._history(key)
        messages = [_KINDS[n % 2](text()) for n in range(count)]
        if hasattr(history, "upsert_messages"):  # Cosmos DB: one document has all messages
            history.messages = messages
            return history.upsert_messages()
        history.clear()
        return history.add_messages(messages)


def make(name: str, url: str) -> Subject:
    """Return the subject of a name; it has no call that removes one message."""
    if name != "LangChain":
        raise ValueError(name)
    return cast("Subject", LangChain(url))
