"""New conversations get an owner and a title, and sessions can be forked."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from agents import Agent, Runner
from agents.extensions.memory import EncryptedSession
from agents.memory import OpenAIResponsesCompactionSession
from agents.testing import ScriptedModel, assistant_message

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ConversationExistsError,
    ConversationNotFoundError,
    InvalidArgumentError,
    InvalidKeyError,
    SimpleChatStore,
    StoreClosedError,
    StoreUnavailableError,
    open_store,
)
from chatstore.openai_agents import ChatStoreSession


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, store_url: str) -> str:
    """Return the URL of an empty store in memory and on SQLite."""
    return "memory://" if request.param == "memory" else store_url


@pytest.fixture
def default_loop() -> Iterator[None]:
    """Close the event loop that ``Runner.run_sync`` leaves open for its next run."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def items(*contents: str) -> Any:
    return [{"role": "user", "content": content} for content in contents]


def record(store: ChatStore, key: str = "s") -> Any:
    conversation = store.get_conversation(key)
    assert conversation is not None
    return conversation.owner, conversation.title, conversation.length


def agent(*answers: str) -> Any:
    return Agent(name="a", model=ScriptedModel([[assistant_message(text)] for text in answers]))


@pytest.mark.usefixtures("default_loop")
def test_the_first_run_gives_a_conversation_its_owner_and_title(url: str) -> None:
    with open_store(url) as store:
        session = ChatStoreSession("s", store, owner="ann", title="Words")
        assert store.get_conversation("s") is None
        Runner.run_sync(agent("one"), "question", session=session)
        assert record(store) == ("ann", "Words", 2)

        other = ChatStoreSession("s", store, owner="bob", title="Other")
        asyncio.run(Runner.run(agent("two"), "another", session=other))

        assert record(store) == ("ann", "Words", 4)
        [listed] = store.list_conversations(owner="ann").conversations
        assert listed.key == "s"
        assert store.list_conversations(owner="bob").conversations == []


def test_a_session_of_a_url_gives_an_owner_and_a_title(store_url: str) -> None:
    async def main() -> None:
        async with ChatStoreSession.from_url("s", store_url, owner="ann", title="T") as session:
            await session.add_items(items("one"))

    asyncio.run(main())
    with open_store(store_url) as store:
        assert record(store) == ("ann", "T", 1)


def test_a_title_alone_is_stored_and_changed_later(url: str) -> None:
    async def main() -> None:
        async with open_store(url) as store:
            session = ChatStoreSession("s", store, title="Words")
            await session.add_items(items("one"))
            await store.async_update_conversation("s", title="Better words")
            await session.add_items(items("two"))
            assert record(store) == (None, "Better words", 2)

    asyncio.run(main())


@pytest.mark.parametrize("duplicate", [copy.copy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_give_the_owner_too(store_url: str, duplicate: Any) -> None:
    with open_store(store_url) as store:
        copied = duplicate(ChatStoreSession("s", store, owner="ann"))
        asyncio.run(copied.add_items(items("one")))
        assert record(store) == ("ann", None, 1)


def test_a_conversation_that_others_deleted_begins_again_with_its_owner(url: str) -> None:
    async def main() -> None:
        async with open_store(url) as store:
            session = ChatStoreSession("s", store, owner="ann", title="Words")
            for remove in (session.clear_session, lambda: store.async_delete_messages("s")):
                await session.add_items(items("one", "two"))
                assert record(store) == ("ann", "Words", 2)
                await remove()
                assert store.get_conversation("s") is None
            await session.add_items(items("one"))
            await session.pop_item()
            assert record(store) == ("ann", "Words", 0)

    asyncio.run(main())


def test_an_add_that_could_not_begin_the_conversation_is_repeated() -> None:
    async def main() -> None:
        store = SimpleChatStore()
        session = ChatStoreSession("s", store, owner="ann")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store.backend, "create", unavailable)
            with pytest.raises(StoreUnavailableError):
                await session.add_items(items("one"))
        assert await session.get_items() == []  # the items wait for their owner
        await session.add_items(items("one"))
        assert await session.get_items() == items("one")
        assert record(store) == ("ann", None, 1)

    def unavailable(key: str, write: Any) -> Any:
        raise StoreUnavailableError("no answer")

    asyncio.run(main())


class Client:
    """Answers `responses.compact` as the API does."""

    def __init__(self) -> None:
        self.responses = self

    async def compact(self, **request: Any) -> Any:
        return SimpleNamespace(output=items("all questions"), usage=None)


def test_compaction_keeps_the_owner_and_the_title(url: str) -> None:
    async def main() -> None:
        async with open_store(url) as store:
            session = ChatStoreSession("s", store, owner="ann", title="Words")
            client: Any = Client()
            compacting = OpenAIResponsesCompactionSession("s", session, client=client)
            await session.add_items(items("one", "two"))
            await compacting.run_compaction({"force": True, "compaction_mode": "input"})
            assert await session.get_items() == items("all questions")
            assert record(store) == ("ann", "Words", 1)

            assert await ChatStoreSession("new", store, owner="ann")._atomic_replace_items(
                items("one")
            )
            assert record(store, "new") == ("ann", None, 1)

    asyncio.run(main())


def test_a_fork_has_the_first_items_and_goes_its_own_way(each_store_url: str) -> None:
    async def main() -> None:
        async with open_store(each_store_url) as store:
            session = ChatStoreSession("s", store, owner="ann", title="Words")
            await session.add_items(items("one", "two", "three"))

            fork = await session.fork("fork", items=2)
            whole = await session.fork("whole")
            await Runner.run(agent("answer"), "four", session=fork)

            assert fork.session_id == "fork"
            assert (await fork.get_items())[:3] == items("one", "two", "four")
            assert await whole.get_items() == await session.get_items()
            titles = {one.key: one.title for one in store.iter_conversations(owner="ann")}
            assert titles == {"s": "Words", "fork": None, "whole": None}

            await fork.clear_session()
            await fork.add_items([])
            assert store.get_conversation("fork") is None
            await fork.add_items(items("again"))
            assert record(store, "fork") == ("ann", None, 1)

    asyncio.run(main())


def test_a_fork_counts_items_and_not_messages(url: str) -> None:
    """Messages of other frameworks become several items, or none; summaries are not items."""

    async def main() -> None:
        async with open_store(url) as store:
            blocks: list[Any] = [
                {"type": "tool_call", "id": name, "name": "t", "arguments": {}} for name in "ab"
            ]
            covered = {"summary_of": {"first": "1", "last": "1"}}
            stored = [
                ChatMessage(role="user", content="hi", id="1"),
                ChatMessage(role="user", content="summary", metadata=covered),
                ChatMessage(role="assistant"),
                ChatMessage(role="assistant", content=blocks),
                ChatMessage(role="assistant"),
                ChatMessage(role="user", content="bye"),
            ]
            await store.async_add_messages("s", stored)
            session = ChatStoreSession("s", store, session_settings={"limit": 1})
            lengths = []
            for count in range(1, 5):
                await session.fork(f"fork {count}", items=count)
                lengths.append(await store.async_count_messages(f"fork {count}"))
            assert lengths == [1, 4, 4, 6]

    asyncio.run(main())


def test_a_fork_has_the_options_of_its_session() -> None:
    async def main() -> None:
        store = SimpleChatStore()
        session = ChatStoreSession(
            "s",
            store,
            session_settings={"limit": 2},
            summarize=lambda items: "all",
            compact_above=0,
        )
        await session.add_items(items("one", "two", "three"))

        fork: Any = await session.fork("fork")

        assert len(await fork.get_items()) == 2
        assert await store.async_count_messages("fork") > 3  # a summary is stored
        fork.session_settings.limit = 1
        assert session.session_settings is not None
        assert session.session_settings.limit == 2

    asyncio.run(main())


def test_a_fork_does_not_close_the_store_of_a_url(store_url: str) -> None:
    async def main() -> None:
        async with ChatStoreSession.from_url("s", store_url) as session:
            await session.add_items(items("one"))
            await (await session.fork("fork")).close()
            assert await session.get_items() == items("one")
        with pytest.raises(StoreClosedError):
            await session.fork("other")

    asyncio.run(main())


class SlowFork(SimpleChatStore):
    """Forks when the test allows it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def async_fork(self, key: str, new_key: str, **options: Any) -> Any:
        self.begun.set()
        await self.go.wait()
        return await super().async_fork(key, new_key, **options)


def test_a_cancelled_fork_has_ended_when_the_cancellation_arrives() -> None:
    async def main() -> None:
        store = SlowFork()
        session = ChatStoreSession("s", store)
        await session.add_items(items("one"))
        forking = asyncio.create_task(session.fork("fork"))
        await store.begun.wait()
        forking.cancel()
        await asyncio.sleep(0)
        store.go.set()
        with pytest.raises(asyncio.CancelledError):
            await forking
        assert record(store, "fork") == (None, None, 1)

    asyncio.run(main())


def test_wrong_forks_are_refused(url: str) -> None:
    async def main() -> None:
        async with open_store(url) as store:
            session: Any = ChatStoreSession("s", store)
            with pytest.raises(ConversationNotFoundError):
                await session.fork("fork")
            await session.add_items(items("one", "two"))
            for count in (0, 3, -1, "1", True):
                with pytest.raises(InvalidArgumentError, match="items must be"):
                    await session.fork("fork", items=count)
            with pytest.raises(InvalidArgumentError, match="itself"):
                await session.fork("s")
            with pytest.raises(InvalidKeyError):
                await session.fork("", items=1)
            assert await store.async_get_keys() == ["s"]
            await session.fork("fork")
            with pytest.raises(ConversationExistsError):
                await session.fork("fork", items=1)
            assert await store.async_count_messages("fork") == 2

    asyncio.run(main())


def test_a_fork_of_encrypted_items_is_read_with_the_original_id(url: str) -> None:
    async def main() -> None:
        async with open_store(url) as store:
            inner: Any = ChatStoreSession("s", store)
            await EncryptedSession("s", inner, encryption_key="a key").add_items(items("one"))
            fork: Any = await inner.fork("fork")
            reader = EncryptedSession("s", fork, encryption_key="a key")
            assert await reader.get_items() == items("one")
            wrong = EncryptedSession("fork", fork, encryption_key="a key")
            assert await wrong.get_items() == []

    asyncio.run(main())


@pytest.mark.parametrize("make", [ChatStoreSession, ChatStoreSession.from_url])
@pytest.mark.parametrize("wrong", [{"owner": ""}, {"owner": 5}, {"title": "t" * 1001}])
def test_wrong_owners_and_titles_are_refused_at_once(make: Any, wrong: Any) -> None:
    store: Any = SimpleChatStore() if make is ChatStoreSession else "memory://"
    with pytest.raises(InvalidArgumentError, match=f"an? {next(iter(wrong))} "):
        make("s", store, **wrong)
