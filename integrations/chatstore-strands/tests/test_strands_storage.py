"""``ChatStoreStorage`` keeps bytes under keys, and Strands' snapshots."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from models_strands import FunctionModel
from strands import Agent
from strands.session import SnapshotSessionManager
from strands.storage import Storage
from strands.types.exceptions import StorageError

from chatstore.core import StoreClosedError, open_store
from chatstore.strands import ChatStoreStorage

VALUES = {
    "a/b": b"text",
    "a/b/c": b"",
    "a//b": "Grüße \x00 \U0001f600".encode(),
    "a%2Fb": b"\xff\x00binary",
    "ab": b"x" * 6_000_001,
    "~/ä": b"\xfe" * 6_000_001,
}


def test_values_are_read_back(each_store_url: str) -> None:
    async def check() -> None:
        async with ChatStoreStorage(each_store_url) as storage:
            other = ChatStoreStorage(storage.store, prefix="other")
            await other.write("a/b", b"other")
            for key, value in VALUES.items():
                await storage.write(key, b"old")
                await storage.write(key, value)

            assert {key: await storage.read(key) for key in VALUES} == VALUES
            assert await storage.read("a") is None
            assert await storage.list("") == sorted(VALUES)
            assert await storage.list("a/") == ["a//b", "a/b", "a/b/c"]
            assert await storage.list("a/b") == ["a/b", "a/b/c"]
            assert await storage.list("c") == []
            await storage.delete("a/b")
            await storage.delete("a/b")
            assert await storage.read("a/b") is None
            assert await storage.list("a/b") == ["a/b/c"]
            assert await other.read("a/b") == b"other"

    asyncio.run(check())


def test_search_finds_the_best_match_first(store_url: str) -> None:
    async def check() -> None:
        async with ChatStoreStorage(store_url) as storage:
            assert isinstance(storage, Storage)
            await storage.write("a.md", b"dark mode")
            await storage.write("b.md", b"dark mode toggle")
            await storage.write("c.md", b"nothing")
            results = await storage.search("dark toggle")

            assert [(one.key, one.score, one.data) for one in results] == [
                ("b.md", 2, b"dark mode toggle"),
                ("a.md", 1, b"dark mode"),
            ]

    asyncio.run(check())


@pytest.mark.parametrize("key", ["", "x" * 255, "\ud800"])
def test_keys_that_are_not_valid_are_refused(store_url: str, key: str) -> None:
    async def check() -> None:
        async with ChatStoreStorage(store_url) as storage:
            for attempt in (storage.write(key, b""), storage.read(key), storage.delete(key)):
                with pytest.raises(StorageError):
                    await attempt
            assert await storage.list() == []

    asyncio.run(check())


def test_the_stores_errors_are_storage_errors(store_url: str) -> None:
    storage = ChatStoreStorage(store_url)
    storage.close()
    with pytest.raises(StorageError, match="cannot list 'a'") as caught:
        asyncio.run(storage.list("a"))

    assert isinstance(caught.value.__cause__, StoreClosedError)


def test_snapshots_restore_an_agent(each_store_url: str) -> None:
    def agent(storage: Any) -> Agent:
        model = FunctionModel(lambda messages: [{"text": f"answer {len(messages)}"}])
        session = SnapshotSessionManager(
            "user:42", storage=storage, snapshot_trigger=lambda *, agent_data, **_: True
        )
        return Agent(model, session_manager=session, callback_handler=None)

    with open_store(each_store_url) as store:
        first = agent(ChatStoreStorage(store))
        first("one")
        first("two")
        second = agent(ChatStoreStorage(store))

        assert second.messages == first.messages
        assert second.messages[-1]["content"] == [{"text": "answer 3"}]
        session: Any = second._session_manager
        ids = asyncio.run(session.list_snapshot_ids(second))
        assert len(ids) == 2
        asyncio.run(session.delete_session())
        assert store.get_keys() == []
