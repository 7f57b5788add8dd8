"""LangGraph: the messages of a graph's state, kept by its savers, with ``trim_messages``.

An append is an update of a thread's state; a saver stores the whole state each time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    trim_messages,
)
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from benchmarks.subjects.subject import WINDOW_TOKENS, Loop, Subject, text

_KINDS = (HumanMessage, AIMessage)
_POOL = 16  # connections, as many as SQLAlchemy's pool has by default


class LangGraph:
    """A graph with a checkpointer."""

    def __init__(self, url: str) -> None:
        """Open the saver and compile the graph."""
        self.run = Loop()
        self._url = url
        self._graph = _compile(_saver(url))
        self._async_graph: asyncio.Task[Any] | None = None

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self._update(key, [HumanMessage(text())])

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        if self._async_graph is None:  # one task opens, the others wait for it
            self._async_graph = asyncio.create_task(_open_async(self._url))
        graph = await self._async_graph
        values = {"messages": [HumanMessage(text())]}
        return await graph.aupdate_state(_config(key), values, as_node="chat")

    def window(self, key: str) -> object:
        """See `Subject`."""
        return trim_messages(
            self._messages(key),
            max_tokens=WINDOW_TOKENS,
            token_counter="approximate",
            strategy="last",
            start_on="human",
        )

    def read(self, key: str) -> int:
        """See `Subject`."""
        return len(self._messages(key))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        messages = [_KINDS[number % 2](text()) for number in range(count)]
        return self._update(key, [RemoveMessage(REMOVE_ALL_MESSAGES), *messages])

    def _update(self, key: str, messages: list[BaseMessage]) -> object:
        return self._graph.update_state(_config(key), {"messages": messages}, as_node="chat")

    def _messages(self, key: str) -> list[Any]:
        return list(self._graph.get_state(_config(key)).values.get("messages", []))


def _compile(saver: Any) -> Any:
    builder = StateGraph(MessagesState)
    builder.add_node("chat", lambda _: {})
    builder.add_edge(START, "chat")
    return builder.compile(checkpointer=saver)


def _config(key: str) -> Any:
    return {"configurable": {"thread_id": key}}


def _saver(url: str) -> Any:
    if url.startswith("sqlite:"):
        import sqlite3

        from langgraph.checkpoint.sqlite import SqliteSaver

        saver: Any = SqliteSaver(sqlite3.connect(_path(url), check_same_thread=False))
    else:
        from langgraph.checkpoint.postgres import PostgresSaver
        from psycopg_pool import ConnectionPool

        pool = ConnectionPool(url, kwargs=_connection_options(), max_size=4, open=True)
        saver = PostgresSaver(pool)
    saver.setup()
    return saver


async def _open_async(url: str) -> Any:
    if url.startswith("sqlite:"):
        import aiosqlite
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        saver: Any = AsyncSqliteSaver(await aiosqlite.connect(_path(url)))
    else:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg_pool import AsyncConnectionPool

        options = _connection_options()
        pool = AsyncConnectionPool(url, kwargs=options, min_size=_POOL, open=False)
        await pool.open(wait=True)
        saver = AsyncPostgresSaver(pool)
    await saver.setup()
    return _compile(saver)


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///") + ".langgraph"


def _connection_options() -> dict[str, Any]:
    from psycopg.rows import dict_row

    return {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}


def make(name: str, url: str) -> Subject:
    """Return the subject of a name; it has no call that removes the newest message."""
    if name != "LangGraph":
        raise ValueError(name)
    subject: Any = LangGraph(url)
    return subject
