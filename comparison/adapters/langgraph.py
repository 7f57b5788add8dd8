"""LangGraph: the messages of a graph's state, kept by its savers, with ``trim_messages``."""

from __future__ import annotations

from typing import Any

from langgraph.graph import START, MessagesState, StateGraph

from comparison.adapters import langchain_messages
from comparison.adapters.adapter import Adapter, Message
from comparison.adapters.langchain_messages import from_native, to_native


class LangGraph(Adapter):
    """A graph with a checkpointer; an append is an update of a thread's state."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """See `Adapter`."""
        super().__init__(url, ttl)
        builder = StateGraph(MessagesState)
        builder.add_node("chat", _answer)
        builder.add_edge(START, "chat")
        self.graph = builder.compile(checkpointer=_saver(url))

    def append(self, key: str, message: Message) -> None:
        """See `Adapter`."""
        self._update(key, [to_native(message)])

    def write_many(self, key: str, messages: list[Message]) -> None:
        """See `Adapter`."""
        self._update(key, [to_native(message) for message in messages])

    def read(self, key: str) -> list[Message]:
        """See `Adapter`."""
        return [from_native(message) for message in self._messages(key)]

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """See `Adapter`."""
        self.write_many(key, messages)
        return langchain_messages.trim(self._messages(key), limit)

    def window_limits(self) -> list[int]:
        """See `Adapter`."""
        return langchain_messages.WINDOW_LIMITS

    def samples(self) -> dict[str, Any]:
        """See `Adapter`."""
        return langchain_messages.samples()

    def put_sample(self, key: str, sample: Any) -> None:
        """See `Adapter`."""
        self._update(key, [sample])

    def get_sample(self, key: str) -> Any:
        """See `Adapter`."""
        return self._messages(key)[0]

    def same(self, before: Any, after: Any) -> bool:
        """See `Adapter`."""
        return langchain_messages.same(before, after)

    def _update(self, key: str, messages: list[Any]) -> None:
        self.graph.update_state(_config(key), {"messages": messages}, as_node="chat")

    def _messages(self, key: str) -> list[Any]:
        return list(self.graph.get_state(_config(key)).values.get("messages", []))


def _answer(_: MessagesState) -> dict[str, Any]:
    return {}


def _config(key: str) -> Any:
    return {"configurable": {"thread_id": key}}


def _saver(url: str) -> Any:
    if url.startswith("sqlite:"):
        import sqlite3

        from langgraph.checkpoint.sqlite import SqliteSaver

        path = url.removeprefix("sqlite:///")
        saver: Any = SqliteSaver(sqlite3.connect(path, check_same_thread=False))
    else:
        from langgraph.checkpoint.postgres import PostgresSaver
        from psycopg.rows import dict_row
        from psycopg_pool import ConnectionPool

        options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        saver = PostgresSaver(ConnectionPool(url, kwargs=options, max_size=4, open=True))
    saver.setup()
    return saver


make = LangGraph
