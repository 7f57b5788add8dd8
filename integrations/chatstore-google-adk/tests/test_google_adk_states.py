"""States are what the events say, whatever happens in between."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from google.adk.events.event import Event
from google_adk_events import ONE, USER, changes, read, says

from chatstore.core import ChatStore, SimpleChatStore, open_store
from chatstore.google_adk import ChatStoreSessionService, session_key

KEY = session_key(**ONE)


class KilledError(Exception):
    """Stands for the end of a process."""


def kill_before(store: ChatStore, name: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process end just before a call of a method of the store."""
    method = getattr(store, name)
    calls = iter(range(number))

    async def call(*args: Any, **kwargs: Any) -> Any:
        if next(calls, None) is None:
            raise KilledError
        return await method(*args, **kwargs)

    monkeypatch.setattr(store, name, call)


@pytest.mark.parametrize("number", range(3))
def test_a_killed_process_loses_no_change(
    service: ChatStoreSessionService, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        session = await service.create_session(**ONE, state={"k": 0, "app:k": 0})
        event = changes(k=1, app__k=1, user__k=1)
        with monkeypatch.context() as patch:
            # The states of application, user and session are written in this order.
            kill_before(service.store, "async_put_message", number, patch)
            with pytest.raises(KilledError):
                await service.append_event(session, event)
        expected = {"k": 1, "app:k": 1, "user:k": 1}
        assert session.state == {"k": 0, "app:k": 0}
        other = await service.create_session(**USER, session_id="2")
        if number:  # the application's state was written; another session changes it further
            await service.append_event(other, changes(app__k=2))
            expected["app:k"] = 2
        stored = await read(service)
        assert stored.state == expected
        assert [one.id for one in stored.events] == [event.id]
        assert await service.get_user_state(**USER) == {"k": 1}
        await service.append_event(session, event)
        assert (await read(service)).state == expected
        assert [one.id for one in session.events] == [event.id]

    asyncio.run(run())


def test_a_session_that_is_created_halfway_is_complete(
    service: ChatStoreSessionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        state = {"k": 1, "app:k": 1, "user:k": 1}
        for number in (0, 1, 2, 3):
            names: dict[str, Any] = {**USER, "session_id": str(number), "app_name": f"app{number}"}
            with monkeypatch.context() as patch:
                kill_before(service.store, "async_create_conversation", number, patch)
                with pytest.raises(KilledError):
                    await service.create_session(**names, state=state)
            created = await service.get_session(**names)
            # The state is the first document, the conversation the second.
            assert (created.state if created else None) == (state if number > 1 else None)
            if created is None:
                created = await service.create_session(**names, state=state)
                assert created.state == state

    asyncio.run(run())


def test_concurrent_writers_agree(each_store_url: str) -> None:
    async def run() -> None:
        async with open_store(each_store_url) as first, open_store(each_store_url) as second:
            services = [ChatStoreSessionService(store) for store in (first, second)]
            await services[0].create_session(**ONE)
            await services[0].create_session(**USER, session_id="2")

            async def write(number: int) -> None:
                service = services[number % 2]
                session = await service.get_session(**USER, session_id=str(1 + number % 3 // 2))
                assert session is not None
                delta = {"k": number, f"app__{number}": number, f"user__{number}": number}
                await service.append_event(session, changes(**delta))

            await asyncio.gather(*map(write, range(18)))
            everything = {f"{scope}:{n}": n for scope in ("app", "user") for n in range(18)}
            for name in "12":
                session = await services[1].get_session(**USER, session_id=name)
                assert session is not None
                # The newest event of the session decides.
                newest = session.events[-1].actions.state_delta["k"]
                assert session.state == {**everything, "k": newest}

    asyncio.run(run())


def test_states_expire_after_the_session(store_url: str) -> None:
    async def run() -> None:
        async with open_store(store_url, ttl=1000) as store:
            service = ChatStoreSessionService(store)
            session = await service.create_session(**ONE, state={"k": 1, "app:k": 2, "user:k": 3})
            await service.append_event(session, says("hello"))
            assert (await read(service)).state == {"k": 1, "app:k": 2, "user:k": 3}
            conversation = await store.async_get_conversation(KEY)
            assert conversation is not None
            assert conversation.expires_at is not None
            keys = await store.async_get_keys("adk.state/")
            documents = [await store.async_get_conversation(key) for key in keys]
            assert len(documents) == 3
            for document in documents:
                assert document is not None
                assert document.expires_at is not None
                assert document.expires_at >= conversation.expires_at
            await read(service)  # without new events, it writes nothing
            assert [await store.async_get_conversation(key) for key in keys] == documents

    asyncio.run(run())


def test_a_read_costs_the_same_at_any_length(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        store = SimpleChatStore()
        service = ChatStoreSessionService(store, num_recent_events=20)
        session = await service.create_session(**ONE, state={"k": 1})
        counts = []
        for number in range(200):
            await service.append_event(session, says(str(number)))
            if number in {15, 199}:
                await read(service)  # notes how far the events are applied
                caplog.set_level(logging.DEBUG, "chatstore")
                caplog.clear()
                assert (await read(service)).state == {"k": 1}
                counts.append(len([one for one in caplog.records if one.name == "chatstore"]))
                caplog.set_level(logging.INFO, "chatstore")
        assert counts == [4, 4]  # the events, and three states

    asyncio.run(run())


def test_a_change_is_found_however_far_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        service = ChatStoreSessionService(SimpleChatStore(), num_recent_events=1)
        session = await service.create_session(**ONE)
        with monkeypatch.context() as patch:
            kill_before(service.store, "async_put_message", 0, patch)
            with pytest.raises(KilledError):
                await service.append_event(session, changes(k=1, app__k=1))
        for number in range(50):
            await service.append_event(session, says(str(number)))
        stored = await read(service)
        assert stored.state == {"k": 1, "app:k": 1}
        assert len(stored.events) == 1

    asyncio.run(run())


def test_edited_copied_and_new_sessions(service: ChatStoreSessionService) -> None:
    async def run() -> None:
        store = service.store
        session = await service.create_session(**ONE, state={"first": 1})
        events: list[Event] = [changes(k=number) for number in range(3)]
        for event in events:
            await service.append_event(session, event)
        # A fork has the changes that its events make, and a state of its own.
        fork = session_key(**USER, session_id="2")
        await store.async_fork(KEY, fork, until=events[1].id)
        copied = await service.get_session(**USER, session_id="2")
        assert copied is not None
        assert copied.state == {"k": 1}
        await service.append_event(copied, changes(k=7))
        assert (await read(service)).state == {"first": 1, "k": 2}
        # Messages are removed by another program: what they changed is changed again.
        await store.async_truncate(KEY, from_id=events[2].id)
        assert (await read(service)).state == {"first": 1, "k": 1}
        # The session is deleted by another program: a new one does not see its state.
        await store.async_delete_messages(KEY)
        assert (await service.create_session(**ONE)).state == {}

    asyncio.run(run())
