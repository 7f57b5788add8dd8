"""Events, and what tests read of sessions."""

from __future__ import annotations

from typing import Any

from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig
from google.adk.sessions.session import Session
from google.genai import types

USER: dict[str, Any] = {"app_name": "app", "user_id": "ann"}
ONE: dict[str, Any] = {**USER, "session_id": "1"}


def says(text: str, **fields: Any) -> Event:
    content = types.Content(role="user", parts=[types.Part(text=text)])
    return Event(author="user", invocation_id="i", content=content, **fields)


def changes(**delta: Any) -> Event:
    named = {name.replace("__", ":"): value for name, value in delta.items()}
    return Event(author="agent", invocation_id="i", actions=EventActions(state_delta=named))


async def read(service: BaseSessionService, **config: Any) -> Session:
    session = await service.get_session(**ONE, config=GetSessionConfig(**config))
    assert session is not None
    return session


def contents(session: Session) -> list[str]:
    return [part.text or "" for e in session.events if e.content for part in e.content.parts or []]
