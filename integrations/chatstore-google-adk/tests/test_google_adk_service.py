"""The service follows ADK's interface: the same calls give the same results as ADK's own."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions.base_session_service import BaseSessionService
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from google.adk.sessions.session import Session
from google.genai import types
from google_adk_events import ONE, USER, changes, contents, read, says
from hypothesis import given
from hypothesis import strategies as st

from chatstore.core import (
    InvalidArgumentError,
    InvalidKeyError,
    InvalidMessageError,
    MessageConflictError,
    SimpleChatStore,
)
from chatstore.google_adk import ChatStoreSessionService

NAMES = st.sampled_from(["a", "b"])
STATES = st.dictionaries(
    st.sampled_from(["k", "app:k", "user:k", "temp:k", "other"]),
    st.sampled_from([0, None, "text", [1.5, {"x": True}]]),
    max_size=3,
)
OPERATIONS: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("create"), NAMES, NAMES, NAMES, STATES),
    st.tuples(st.just("append"), NAMES, NAMES, NAMES, STATES),
    st.tuples(st.just("again"), NAMES, NAMES, NAMES, st.just({})),
    st.tuples(st.just("delete"), NAMES, NAMES, NAMES, st.just({})),
)


class Subject:
    """A service, and the sessions that its caller holds."""

    def __init__(self, service: BaseSessionService) -> None:
        self.service = service
        self.sessions: dict[Any, Session] = {}
        self.newest: dict[Any, Event] = {}

    async def apply(self, operation: Any, event: Event) -> Any:
        kind, app, user, session_id, state = operation
        names: dict[str, Any] = {"app_name": app, "user_id": user, "session_id": session_id}
        place = (app, user, session_id)
        try:
            if kind == "create":
                self.sessions[place] = await self.service.create_session(**names, state=dict(state))
            elif kind == "delete":
                await self.service.delete_session(**names)
            elif kind == "again" and place in self.newest:
                await self.service.append_event(self.sessions[place], self.newest[place])
            elif kind == "append" and place in self.sessions:
                event = event.model_copy(deep=True)
                event.actions.state_delta = dict(state)
                await self.service.append_event(self.sessions[place], event)
                self.newest[place] = event
        except (AlreadyExistsError, SessionNotFoundError) as error:
            self.newest.pop(place, None)
            return type(error)
        known = self.sessions.get(place)
        return known and shown(known)

    async def everything(self) -> Any:
        result: list[Any] = []
        for app in "ab":
            listed = await self.service.list_sessions(app_name=app)
            result.append(
                sorted((s.user_id, s.id, sorted(s.state.items())) for s in listed.sessions)
            )
            for user in "ab":
                own = await self.service.list_sessions(app_name=app, user_id=user)
                result.append([(s.id, s.state, s.events) for s in own.sessions])
                result.append(await self.service.get_user_state(app_name=app, user_id=user))
                for name in "ab":
                    names: dict[str, Any] = {"app_name": app, "user_id": user, "session_id": name}
                    session = await self.service.get_session(**names)
                    result.append(session and shown(session))
        return result


def shown(session: Session) -> Any:
    events = [event.model_dump() for event in session.events]
    return (session.app_name, session.user_id, session.id, session.state, events)


@given(st.lists(OPERATIONS, max_size=12))
def test_acts_like_adks_own(operations: list[Any]) -> None:
    async def run() -> None:
        stored = Subject(ChatStoreSessionService(SimpleChatStore()))
        in_memory = Subject(InMemorySessionService())
        for number, operation in enumerate(operations):
            event = says(str(number))
            assert await stored.apply(operation, event) == await in_memory.apply(operation, event)
        assert await stored.everything() == await in_memory.everything()

    asyncio.run(run())


def test_events_come_back_equal(service: ChatStoreSessionService) -> None:
    async def run() -> None:
        session = await service.create_session(**ONE)
        picture = types.Part.from_bytes(data=b"\xff\x00", mime_type="image/png")
        thought = types.Part(text="hm", thought=True, thought_signature=b"\xfe")
        call = types.Part(function_call=types.FunctionCall(name="f", args={"x": None}))
        content = types.Content(role="model", parts=[thought, picture, call])
        event = Event(
            author="agent",
            content=content,
            invocation_id="i",
            branch="a.b",
            long_running_tool_ids={"c", "d"},
            error_code="e",
            turn_complete=True,
            interrupted=False,
            timestamp=1700000000.123,
            custom_metadata={"k": None},
            usage_metadata=types.GenerateContentResponseUsageMetadata(total_token_count=2),
            actions=EventActions(artifact_delta={"file": 0}, transfer_to_agent="b", escalate=True),
        )
        await service.append_event(session, event)
        assert await read(service) == session
        assert session.last_update_time == 1700000000.123

    asyncio.run(run())


def test_partial_events_are_not_stored(service: ChatStoreSessionService) -> None:
    async def run() -> None:
        session = await service.create_session(**ONE)
        await service.append_event(session, says("par", partial=True))
        assert session.events == (await read(service)).events == []

    asyncio.run(run())


def test_limits_of_a_read(service: ChatStoreSessionService) -> None:
    async def run() -> None:
        session = await service.create_session(**ONE)
        for number in range(30):
            # A clock that is wrong for a moment does not change the order.
            timestamp = 5 if number == 20 else number
            await service.append_event(session, says(str(number), timestamp=timestamp))
        every = [str(number) for number in range(30)]
        assert contents(await read(service)) == every
        assert contents(await read(service, num_recent_events=0)) == []
        assert contents(await read(service, num_recent_events=25)) == every[5:]
        assert contents(await read(service, num_recent_events=99)) == every
        assert contents(await read(service, after_timestamp=10)) == every[21:]
        assert contents(await read(service, after_timestamp=27)) == every[27:]
        assert contents(await read(service, after_timestamp=5, num_recent_events=2)) == every[28:]
        assert contents(await read(service, after_timestamp=30)) == []
        assert (await read(service, after_timestamp=30)).last_update_time == 29
        assert (await read(service, num_recent_events=0)).last_update_time == 29

    asyncio.run(run())


def test_by_default_a_read_begins_with_a_turn() -> None:
    async def run() -> None:
        service = ChatStoreSessionService(SimpleChatStore(), num_recent_events=6)
        session = await service.create_session(**ONE)
        call = types.Part.from_function_call(name="f", args={})
        result = types.Part.from_function_response(name="f", response={"result": "r"})
        for number in range(3):
            await service.append_event(session, says(f"question {number}"))
            for part, role in ((call, "model"), (result, "user")):
                content = types.Content(role=role, parts=[part])
                await service.append_event(session, Event(author="agent", content=content))
            answer = types.Content(role="model", parts=[types.Part(text=f"answer {number}")])
            await service.append_event(session, Event(author="agent", content=answer))
        assert len((await read(service)).events) == 4
        assert contents(await read(service))[0] == "question 2"
        assert len((await read(service, num_recent_events=6)).events) == 6
        for _ in range(4):
            content = types.Content(role="user", parts=[result, result])
            await service.append_event(session, Event(author="agent", content=content))
        # In a turn that is longer than the limit, a result without its call is left out.
        events = (await read(service)).events
        assert [len(event.get_function_responses()) for event in events] == [0, 2, 2, 2, 2]

    asyncio.run(run())


def test_many_writers_are_never_refused(service: ChatStoreSessionService) -> None:
    async def run() -> None:
        first = await service.create_session(**ONE)
        second = await read(service)
        await asyncio.gather(
            *(
                service.append_event(session, changes(**{f"k{number}": number}))
                for number, session in enumerate([first, second] * 10)
            )
        )
        session = await read(service)
        assert session.state == {f"k{number}": number for number in range(20)}
        assert len(session.events) == 20

    asyncio.run(run())


def test_one_writer_refuses_a_stale_session(service: ChatStoreSessionService) -> None:
    async def run() -> None:
        one = ChatStoreSessionService(service.store, writers="one")
        stale = await one.create_session(**ONE)
        fresh = await read(one, num_recent_events=0)
        event = says("first")
        await one.append_event(fresh, event)
        await one.append_event(fresh, event)  # a repetition
        for session in (stale, stale.model_copy(deep=True), Session(**{**USER, "id": "1"})):
            with pytest.raises(StaleSessionError, match="modified in storage"):
                await one.append_event(session, changes(k=1, app__k=1))
            assert session.state == {}
            assert session.events == []
        # The record may change in between: that is not an event.
        await service.store.async_update_conversation("adk/app/ann/1", title="Lisbon")
        await one.append_event(fresh, says("second"))
        copies = [(await read(one, num_recent_events=0)).model_copy(deep=True) for _ in range(4)]
        done = await asyncio.gather(
            *(one.append_event(copy, says("third")) for copy in copies), return_exceptions=True
        )
        assert sum(isinstance(result, Event) for result in done) == 1
        assert contents(await read(one)) == ["first", "second", "third"]
        plain = Session(**USER, id="1", events=(await read(one)).events)
        await one.append_event(plain, says("fourth"))

    asyncio.run(run())


def test_errors(service: ChatStoreSessionService) -> None:
    async def run() -> None:
        session = await service.create_session(**{**USER, "session_id": " 1 "})
        assert session.id == "1"
        with pytest.raises(AlreadyExistsError, match="get_session"):
            await service.create_session(**ONE, state={"app:k": 1})
        assert (await read(service)).state == {}
        event = says("x", id="e")
        await service.append_event(session, event)
        with pytest.raises(MessageConflictError):
            await service.append_event(session, says("y", id="e"))
        with pytest.raises(InvalidMessageError):
            await service.append_event(session, says("\ud800"))
        with pytest.raises(InvalidMessageError):
            await service.append_event(session, says("x", id="i" * 256))
        assert contents(session) == contents(await read(service)) == ["x"]
        with pytest.raises(InvalidKeyError):
            await service.create_session(app_name="app", user_id="")
        with pytest.raises(InvalidArgumentError, match="keys are strings"):
            await service.create_session(**USER, state={1: 2})  # type: ignore[dict-item]
        assert (await service.list_sessions(app_name="app", user_id="")).sessions == []
        assert await service.get_session(app_name="app", user_id="ann", session_id=" ") is None
        await service.delete_session(app_name="app", user_id="ann", session_id="2")
        await service.delete_session(**ONE)
        with pytest.raises(SessionNotFoundError, match="create it first"):
            await service.append_event(session, says("z"))
        assert await service.store.async_get_keys() == []
        await service.flush()

    asyncio.run(run())
    with pytest.raises(InvalidArgumentError, match="'many' or 'one'"):
        ChatStoreSessionService(service.store, writers="two")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="num_recent_events"):
        ChatStoreSessionService(service.store, num_recent_events=0)
    with pytest.raises(InvalidArgumentError, match="store must be"):
        ChatStoreSessionService("sqlite:///chat.db")  # type: ignore[arg-type]


def test_names_of_any_form(service: ChatStoreSessionService) -> None:
    async def run() -> None:
        names = [
            ("a/b", "c", "d"),
            ("a", "b/c", "d"),
            ("a", "b", "c/d"),
            ("x" * 300, "y" * 300, "z" * 300),
        ]
        for app, user, session in names:
            created = await service.create_session(
                app_name=app, user_id=user, session_id=session, state={"k": app, "user:k": user}
            )
            await service.append_event(created, says(session))
        for app, user, session in names:
            for user_id in (user, None):
                [listed] = (await service.list_sessions(app_name=app, user_id=user_id)).sessions[:1]
                assert listed.app_name == app
            own = (await service.list_sessions(app_name=app, user_id=user)).sessions
            assert [(s.user_id, s.id, s.state) for s in own] == [
                (user, session, {"k": app, "user:k": user})
            ]

    asyncio.run(run())


def test_pages_of_sessions(
    service: ChatStoreSessionService, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        for number in range(120):
            await service.create_session(**USER, session_id=str(number), state={"k": number})
        await service.create_session(app_name="app", user_id="bob", session_id="b")
        caplog.set_level(logging.DEBUG, "chatstore")
        caplog.clear()
        page = await service.page_sessions(**USER, limit=50)
        calls = [record for record in caplog.records if record.name == "chatstore"]
        assert len(calls) == 1  # the states are not read
        listed_ids = [session.id for session in page.sessions]
        assert listed_ids == [str(number) for number in range(119, 69, -1)]
        while page.next_cursor is not None:
            page = await service.page_sessions(**USER, limit=50, cursor=page.next_cursor)
            listed_ids += [session.id for session in page.sessions]
        assert listed_ids == [str(number) for number in range(119, -1, -1)]
        listed = (await service.list_sessions(**USER)).sessions
        assert [session.id for session in listed] == listed_ids[::-1]
        assert [session.state for session in listed] == [{"k": number} for number in range(120)]

    asyncio.run(run())
