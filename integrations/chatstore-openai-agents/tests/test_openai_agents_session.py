"""A session behaves as the SDK's protocol and the SDK's own sessions do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents import Session, SessionSettings

from chatstore.core import (
    ChatMessage,
    ChatStore,
    InvalidKeyError,
    SimpleChatStore,
    StoreClosedError,
    StoreUnavailableError,
    open_store,
)
from chatstore.openai_agents import ChatStoreSession


def items(count: int, first: Any = 0) -> Any:
    return [{"role": "user", "content": str(number)} for number in range(first, first + count)]


@pytest.fixture
def run(store_url: str) -> Any:
    """Run a test's coroutine with a session on a store of its own."""

    def run_with_session(test: Any, **options: Any) -> None:
        async def main() -> None:
            async with open_store(store_url) as store:
                await test(ChatStoreSession("s", store, **options), store)

        asyncio.run(main())

    return run_with_session


def test_it_is_a_session(run: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        assert isinstance(session, Session)
        assert session.session_id == "s"
        assert session.session_settings == SessionSettings()

    run(test)


def test_reads_the_newest_in_their_order(run: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        await session.add_items(items(5))
        assert await session.get_items() == items(5)
        assert await session.get_items(2) == items(2, first=3)
        assert await session.get_items(9) == items(5)
        assert await session.get_items(0) == await session.get_items(-1) == []

    run(test)


@pytest.mark.parametrize("settings", [SessionSettings(limit=2), {"limit": 2}])
def test_settings_limit_what_is_read_unless_the_call_says_more(run: Any, settings: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        await session.add_items(items(5))
        assert await session.get_items() == items(2, first=3)
        assert await session.get_items(4) == items(4, first=1)

    run(test, session_settings=settings)


def test_a_limit_counts_items_and_not_messages(run: Any) -> None:
    """Messages of other frameworks become several items, or none."""

    async def test(session: Any, store: ChatStore) -> None:
        blocks: list[Any] = [
            {"type": "tool_call", "id": name, "name": "t", "arguments": {}} for name in ("a", "b")
        ]
        store_messages = [
            ChatMessage(role="user", content="hi"),
            ChatMessage(role="assistant", content=blocks),
            *(ChatMessage(role="assistant") for _ in range(5)),
        ]
        await store.async_add_messages("s", store_messages)
        assert [item.get("call_id") for item in await session.get_items(1)] == ["b"]
        assert [item.get("call_id") for item in await session.get_items(3)] == [None, "a", "b"]
        assert (await session.pop_item())["call_id"] == "b"
        assert await session.get_items() == [{"role": "user", "content": "hi"}]

    run(test)


def test_pops_the_newest_until_there_is_none(run: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        await session.add_items(items(2))
        assert [await session.pop_item() for _ in range(3)] == [*reversed(items(2)), None]

    run(test)


def test_pops_made_at_once_each_get_another_item(run: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        await session.add_items(items(20))
        popped = await asyncio.gather(*(session.pop_item() for _ in range(20)))
        assert sorted(int(item["content"]) for item in popped) == list(range(20))

    run(test)


def test_adds_made_at_once_stay_together(run: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        await asyncio.gather(*(session.add_items(items(5, first=5 * n)) for n in range(8)))
        numbers = [int(item["content"]) for item in await session.get_items()]
        for start in range(0, 40, 5):
            assert numbers[start : start + 5] == list(range(numbers[start], numbers[start] + 5))

    run(test)


def test_clearing_twice_is_no_error(run: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        await session.add_items(items(2))
        await session.clear_session()
        await session.clear_session()
        assert await session.get_items() == []
        assert await store.async_get_keys() == []

    run(test)


def test_nothing_added_makes_no_conversation(run: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        await session.add_items([])
        assert await store.async_get_keys() == []

    run(test)


def test_equal_items_are_different_items(run: Any) -> None:
    """People may repeat a message."""

    async def test(session: Any, store: ChatStore) -> None:
        for _ in range(2):
            await session.add_items(items(1))
        assert await session.get_items() == items(1) * 2

    run(test)


CALLS = [
    lambda session: session.get_items(),
    lambda session: session.get_items(0),
    lambda session: session.add_items([]),
    lambda session: session.add_items(items(1)),
    lambda session: session.pop_item(),
    lambda session: session.clear_session(),
]


@pytest.mark.parametrize("call", CALLS)
def test_closed_session_refuses_everything(run: Any, call: Any) -> None:
    async def test(session: Any, store: ChatStore) -> None:
        await session.close()
        with pytest.raises(StoreClosedError, match="session"):
            await call(session)
        await store.async_count_messages("s")  # the application's store stays open

    run(test)


@pytest.mark.parametrize("call", CALLS)
def test_session_of_a_url_closes_its_store(store_url: str, call: Any) -> None:
    async def main() -> None:
        async with ChatStoreSession.from_url("s", store_url) as session:
            await session.add_items(items(1))
            inside = session._store
        with pytest.raises(StoreClosedError):
            await inside.async_count_messages("s")
        with pytest.raises(StoreClosedError):
            await call(session)

    asyncio.run(main())


@pytest.mark.parametrize("call", CALLS)
def test_closed_store_refuses_everything(call: Any) -> None:
    async def main() -> None:
        store = SimpleChatStore()
        session = ChatStoreSession("s", store)
        await store.async_close()
        with pytest.raises(StoreClosedError):
            await call(session)

    asyncio.run(main())


@pytest.mark.parametrize("make", [ChatStoreSession, ChatStoreSession.from_url])
def test_a_session_id_is_a_key(make: Any) -> None:
    with pytest.raises(InvalidKeyError):
        make("", "memory://")


class Unsure(SimpleChatStore):
    """Writes, and then loses the reply."""

    fails = 1

    async def async_run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        result = await super().async_run(operation, build, *args, **kwargs)
        if operation == "add_messages" and self.fails:
            self.fails -= 1
            raise StoreUnavailableError("no answer")
        return result


def test_a_repeated_add_writes_once() -> None:
    async def main() -> None:
        session = ChatStoreSession("s", Unsure())
        with pytest.raises(StoreUnavailableError):
            await session.add_items(items(3))
        await session.add_items(items(3))
        assert await session.get_items() == items(3)
        await session.add_items(items(3))  # repeated on purpose
        assert await session.get_items() == items(3) * 2

    asyncio.run(main())


def test_other_items_after_a_failed_add_are_their_own() -> None:
    async def main() -> None:
        session = ChatStoreSession("s", Unsure())
        with pytest.raises(StoreUnavailableError):
            await session.add_items(items(1))
        await session.add_items(items(1, first=5))
        await session.add_items(items(1))
        assert await session.get_items() == items(1) + items(1, first=5) + items(1)

    asyncio.run(main())


class Slow(SimpleChatStore):
    """Replies when the test allows it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def async_run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        if operation == "add_messages":
            self.begun.set()
            await self.go.wait()
        return await super().async_run(operation, build, *args, **kwargs)


def test_a_cancelled_add_has_ended_when_the_cancellation_arrives() -> None:
    async def main() -> None:
        store = Slow()
        session = ChatStoreSession("s", store)
        adding = asyncio.create_task(session.add_items(items(2)))
        await store.begun.wait()
        for _ in range(2):
            adding.cancel()
            await asyncio.sleep(0)
            assert not adding.done()
        store.go.set()
        with pytest.raises(asyncio.CancelledError):
            await adding
        assert await session.get_items() == items(2)
        await session.add_items(items(2))  # the cancelled caller repeats it
        assert await session.get_items() == items(2)

    asyncio.run(main())
