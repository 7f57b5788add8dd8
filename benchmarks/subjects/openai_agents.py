"""The OpenAI Agents SDK's sessions; they limit a window by messages, not by tokens."""

from __future__ import annotations

from typing import Any

from agents import SQLiteSession
from agents.extensions.memory import RedisSession, SQLAlchemySession

from benchmarks.subjects.subject import WINDOW_MESSAGES, Loop, Subject, text

_ROLES = ("user", "assistant")


class AgentsSession:
    """A session for each conversation, which stays open as in a running agent."""

    IS_ASYNC = True

    def __init__(self, url: str) -> None:
        """Remember the server's URL."""
        self._url = url
        self.run = Loop()
        self._engine: Any = None
        self._sessions: dict[str, Any] = {}

    def _session(self, key: str) -> Any:
        if key not in self._sessions:
            self._sessions[key] = self._make(key)
        return self._sessions[key]

    def _make(self, key: str) -> Any:
        if self._url.startswith("redis:"):
            return RedisSession.from_url(key, url=self._url)
        if self._url.startswith("sqlite:"):
            return SQLiteSession(key, self._url.removeprefix("sqlite:///") + ".agents")
        if self._engine is None:
            from sqlalchemy.ext.asyncio import create_async_engine

            address = self._url.replace("postgresql:", "postgresql+asyncpg:")
            self._engine = create_async_engine(address)
        return SQLAlchemySession(key, engine=self._engine, create_tables=True)

    async def async_append(self, key: str) -> object:
        """See `Subject`."""
        return await self._session(key).add_items([{"role": "user", "content": text()}])

    def append(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self.async_append(key))

    def window(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self._session(key).get_items(limit=WINDOW_MESSAGES))

    def read(self, key: str) -> int:
        """See `Subject`."""
        return len(self.run(self._session(key).get_items()))

    def fill(self, key: str, count: int) -> object:
        """See `Subject`."""
        items = [{"role": _ROLES[n % 2], "content": text()} for n in range(count)]
        self.run(self._session(key).clear_session())
        return self.run(self._session(key).add_items(items))

    def delete_last(self, key: str) -> object:
        """See `Subject`."""
        return self.run(self._session(key).pop_item())


def make(name: str, url: str) -> Subject:
    """Return the subject of a name."""
    if name != "OpenAI Agents":
        raise ValueError(name)
    return AgentsSession(url)
