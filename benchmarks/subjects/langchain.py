"""LangChain: its chat message histories with ``trim_messages``."""

from __future__ import annotations

import uuid
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, trim_messages

from benchmarks.subjects.subject import WINDOW_TOKENS, Subject, text

_KINDS = (HumanMessage, AIMessage)


class LangChain:
    """A history for each conversation, as its users make one for each request."""

    def __init__(self, url: str) -> None:
        """Open what the histories share."""
        self._url = url
        self._shared: Any = None
        if url.startswith("postgresql:"):
            import psycopg  # noqa: PLC0415
            from langchain_postgres import PostgresChatMessageHistory  # noqa: PLC0415

            self._shared = psycopg.connect(url)
            PostgresChatMessageHistory.create_tables(self._shared, "langchain_history")
        elif url.startswith("sqlite:"):
            from sqlalchemy import create_engine  # noqa: PLC0415

            self._shared = create_engine(f"{url}.langchain")

    def _history(self, key: str) -> Any:
        if self._url.startswith("redis:"):
            from langchain_community.chat_message_histories import (  # noqa: PLC0415
                RedisChatMessageHistory,
            )

            return RedisChatMessageHistory(key, url=self._url)
        if self._url.startswith("postgresql:"):
            from langchain_postgres import PostgresChatMessageHistory  # noqa: PLC0415

            name = str(uuid.uuid5(uuid.NAMESPACE_URL, key))
            return PostgresChatMessageHistory(
                "langchain_history", name, sync_connection=self._shared
            )
        from langchain_community.chat_message_histories import (  # noqa: PLC0415
            SQLChatMessageHistory,
        )

        return SQLChatMessageHistory(key, connection=self._shared)

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
        return self._history(key).add_messages([_KINDS[n % 2](text()) for n in range(count)])


def make(name: str, url: str) -> Subject:
    """Return the subject of a name; it has no call that removes one message."""
    if name != "LangChain":
        raise ValueError(name)
    subject: Any = LangChain(url)
    return subject  # type: ignore[no-any-return]
