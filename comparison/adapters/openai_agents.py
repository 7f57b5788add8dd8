"""The OpenAI Agents SDK: its sessions, and what its runner sends to the model."""

from __future__ import annotations

from typing import Any

from agents import Agent, RunConfig, Runner, SessionSettings, SQLiteSession, set_tracing_disabled
from agents.extensions.memory import RedisSession, SQLAlchemySession
from agents.testing import ScriptedModel, assistant_message

from comparison.adapters.adapter import Adapter, Loops, Message

set_tracing_disabled(disabled=True)


class Sessions(Adapter):
    """A session for each conversation, which stays open as in a running agent."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """See `Adapter`."""
        self._is_redis = url.startswith("redis:")
        super().__init__(url, None if self._is_redis else ttl)
        self._ttl = None if ttl is None else round(ttl)
        self._run = Loops()
        self._engine: Any = None
        self._sessions: dict[str, Any] = {}

    def session(self, key: str) -> Any:
        """Return the session of a conversation."""
        if key not in self._sessions:
            self._sessions[key] = self._make(key)
        return self._sessions[key]

    def _make(self, key: str) -> Any:
        if self._is_redis:
            return RedisSession.from_url(key, url=self.url, ttl=self._ttl)
        if self.url.startswith("sqlite:"):
            return SQLiteSession(key, self.url.removeprefix("sqlite:///"))
        if self._engine is None:
            from sqlalchemy.ext.asyncio import create_async_engine

            self._engine = create_async_engine(
                self.url.replace("postgresql:", "postgresql+asyncpg:")
            )
        return SQLAlchemySession(key, engine=self._engine, create_tables=True)

    def append(self, key: str, message: Message) -> None:
        """See `Adapter`."""
        self._run(self.session(key).add_items(_to_native(message)))

    def write_many(self, key: str, messages: list[Message]) -> None:
        """See `Adapter`."""
        items = [item for message in messages for item in _to_native(message)]
        self._run(self.session(key).add_items(items))

    def read(self, key: str) -> list[Message]:
        """See `Adapter`."""
        return _from_native(self._run(self.session(key).get_items()))

    def recent(self, key: str) -> object:
        """See `Adapter`."""
        return self._run(self.session(key).get_items(limit=20))

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """Return what the model receives in a run with this limit of history items."""
        self.write_many(key, messages[:-1])
        model = ScriptedModel([[assistant_message("answer")]])
        settings = RunConfig(session_settings=SessionSettings(limit=limit))
        run = Runner.run(
            Agent(name="agent", model=model),
            messages[-1]["text"],
            session=self.session(key),
            run_config=settings,
        )
        self._run(run)
        return _from_native(list(model.calls[-1].input))

    def samples(self) -> dict[str, Any]:
        """See `Adapter`."""
        image = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0="}
        call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"x": 1}'}
        return {
            "text": {"role": "user", "content": "Grüße 🙂\n\ttab"},
            "empty": {"role": "assistant", "content": ""},
            "tool call": call,
            "tool result": {"type": "function_call_output", "call_id": "c1", "output": "5"},
            "image": {"role": "user", "content": [{"type": "input_text", "text": "x"}, image]},
            "numbers": {"role": "user", "content": "x", "extra": {"x": 0.1, "y": 2**53 + 1}},
            "id": {"role": "user", "content": "x", "id": "m-1"},
            "NUL": {"role": "user", "content": "a\0b"},
        }

    def put_sample(self, key: str, sample: Any) -> None:
        """See `Adapter`."""
        self._run(self.session(key).add_items([sample]))

    def get_sample(self, key: str) -> Any:
        """See `Adapter`."""
        return self._run(self.session(key).get_items())[0]


def _to_native(message: Message) -> list[Any]:
    if message["role"] == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": message["call"],
                "output": message["text"],
            }
        ]
    if message.get("calls"):
        return [
            {"type": "function_call", "call_id": call, "name": "f", "arguments": "{}"}
            for call in message["calls"]
        ]
    item = {"role": message["role"], "content": message["text"]}
    return [{**item, "id": message["id"]} if message.get("id") else item]


def _from_native(items: list[Any]) -> list[Message]:
    """Make neutral messages; calls that follow each other are of one message."""
    messages: list[Message] = []
    for item in items:
        kind = item.get("type")
        if kind == "function_call":
            if messages and messages[-1]["calls"]:
                messages[-1]["calls"].append(item["call_id"])
                continue
            message = {"role": "assistant", "text": "", "id": None, "calls": [item["call_id"]]}
        elif kind == "function_call_output":
            message = {"role": "tool", "text": item["output"], "calls": [], "call": item["call_id"]}
        else:
            message = {"role": item["role"], "text": item["content"], "calls": []}
        messages.append({"id": item.get("id"), "call": None, **message})
    return messages


make = Sessions
