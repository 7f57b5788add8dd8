"""Google ADK: its session services, and what its runner sends to the model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.events.event import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import DatabaseSessionService
from google.adk.sessions.base_session_service import GetSessionConfig
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types

from comparison.adapters.adapter import Adapter, Loops, Message

_APP = {"app_name": "app", "user_id": "user"}
_STALE = "StaleSessionError"  # its module is not public
_ATTEMPTS = 50


class Sessions(Adapter):
    """A session service; an append gets the session and repeats after a stale one, as advised."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """See `Adapter`."""
        super().__init__(url, ttl)
        self._run = Loops()
        self.service: Any
        if url.startswith("sqlite:"):
            self.service = SqliteSessionService(url.removeprefix("sqlite:///"))
        else:
            self.service = DatabaseSessionService(url.replace("postgresql:", "postgresql+asyncpg:"))

    def append(self, key: str, message: Message) -> None:
        """See `Adapter`."""
        self._run(self._append(key, _to_native(message)))

    async def _append(self, key: str, event: Event) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            session = await self._session(key)
            try:
                await self.service.append_event(session, event)
            except Exception as error:
                if type(error).__name__ != _STALE or attempt == _ATTEMPTS:
                    raise
            else:
                return

    async def _session(self, key: str) -> Any:
        config = GetSessionConfig(num_recent_events=1)
        session = await self.service.get_session(**_APP, session_id=key, config=config)
        if session is None:
            try:
                session = await self.service.create_session(**_APP, session_id=key)
            except AlreadyExistsError:
                return await self._session(key)
        return session

    async def _events(self, key: str, newest: int | None = None) -> list[Any]:
        config = GetSessionConfig(num_recent_events=newest)
        session = await self.service.get_session(**_APP, session_id=key, config=config)
        return [] if session is None else session.events

    def read(self, key: str) -> list[Message]:
        """See `Adapter`."""
        return [_from_native(event) for event in self._run(self._events(key))]

    def recent(self, key: str) -> object:
        """See `Adapter`."""
        return self._run(self._events(key, 20))

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """Return what the model receives in a run with this many recent events."""
        for message in messages[:-1]:
            self.append(key, message)
        model = _Recorder(model="recorder")
        agent = LlmAgent(name="agent", model=model)
        runner = Runner(app_name="app", agent=agent, session_service=self.service)
        config = RunConfig(get_session_config=GetSessionConfig(num_recent_events=limit))
        question = types.UserContent(parts=[types.Part(text=messages[-1]["text"])])

        async def run() -> None:
            async for _ in runner.run_async(
                user_id="user", session_id=key, new_message=question, run_config=config
            ):
                pass

        self._run(run())
        return [message for content in model.contents for message in _from_content(content)]

    def samples(self) -> dict[str, Any]:
        """See `Adapter`."""
        image = types.Part(inline_data=types.Blob(data=b"\x89PNG", mime_type="image/png"))
        extra = {"x": 0.1, "y": 2**53 + 1, "a": {"b": [1]}}
        call = types.FunctionCall(id="c1", name="f", args={"x": 1})
        result = types.FunctionResponse(id="c1", name="f", response={"result": "5"})
        return {
            "text": _event("user", types.Part(text="Grüße 🙂\n\ttab")),
            "empty": _event("agent", types.Part(text="")),
            "tool call": _event("agent", types.Part(function_call=call)),
            "tool result": _event("user", types.Part(function_response=result)),
            "image": _event("user", types.Part(text="x"), image),
            "metadata and numbers": _event("user", types.Part(text="x"), custom_metadata=extra),
            "id": _event("user", types.Part(text="x"), id="m-1"),
            "NUL": _event("user", types.Part(text="a\0b")),
        }

    def put_sample(self, key: str, sample: Any) -> None:
        """See `Adapter`."""
        self._run(self._append(key, sample))

    def get_sample(self, key: str) -> Any:
        """See `Adapter`."""
        return self._run(self._events(key))[0]


class _Recorder(BaseLlm):
    contents: list[Any] = []  # noqa: RUF012 - pydantic copies it for each object

    async def generate_content_async(
        self, llm_request: Any, stream: bool = False
    ) -> AsyncIterator[LlmResponse]:
        self.contents.extend(llm_request.contents)
        yield LlmResponse(content=types.Content(role="model", parts=[types.Part(text="answer")]))


def _event(author: str, *parts: Any, **fields: Any) -> Event:
    role = "user" if author == "user" else "model"
    content = types.Content(role=role, parts=list(parts))
    return Event(author=author, content=content, invocation_id="i-1", **fields)


def _to_native(message: Message) -> Event:
    fields = {"id": message["id"]} if message.get("id") else {}
    if message["role"] == "tool":
        result = types.FunctionResponse(
            id=message["call"], name="f", response={"result": message["text"]}
        )
        return _event("agent", types.Part(function_response=result), **fields)
    if message.get("calls"):
        calls = [types.FunctionCall(id=call, name="f", args={}) for call in message["calls"]]
        return _event("agent", *(types.Part(function_call=call) for call in calls), **fields)
    author = "user" if message["role"] == "user" else "agent"
    return _event(author, types.Part(text=message["text"]), **fields)


def _from_native(event: Any) -> Message:
    return {**_from_content(event.content)[0], "id": event.id}


def _from_content(content: Any) -> list[Message]:
    """Make neutral messages; a content may have several results."""
    results = [part.function_response for part in content.parts if part.function_response]
    if results:
        return [
            {
                "role": "tool",
                "text": result.response["result"],
                "id": None,
                "calls": [],
                "call": result.id,
            }
            for result in results
        ]
    calls = [part.function_call.id for part in content.parts if part.function_call]
    role = "user" if content.role == "user" else "assistant"
    text = "".join(part.text or "" for part in content.parts)
    return [{"role": role, "text": text, "id": None, "calls": calls, "call": None}]


make = Sessions
