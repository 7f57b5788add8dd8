"""LlamaIndex's own buffer, memory, engines and index run on a store through the adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.core.storage.chat_store.base_db import MessageStatus

from chatstore.core import ChatStore, InvalidArgumentError, open_store
from chatstore.llama_index import LlamaIndexChatStore, LlamaIndexDBChatStore

ARCHIVED, ACTIVE = MessageStatus.ARCHIVED, MessageStatus.ACTIVE


def chat_message(text: str, role: str = "user") -> Any:
    return ChatMessage(role=role, content=text)


def contents(messages: Any) -> Any:
    return [message.content for message in messages]


def words(text: str) -> Any:
    return text.split()


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    with open_store(store_url) as opened:
        yield opened


class TestChatStore:
    def test_sync(self, store: ChatStore) -> None:
        chats = LlamaIndexChatStore(store)
        chats.set_messages("k", [chat_message("a"), chat_message("b")])
        chats.add_message("k", chat_message("c"))
        chats.add_message("k", chat_message("first"), 0)

        assert contents(chats.get_messages("k")) == ["first", "a", "b", "c"]
        assert chats.delete_message("k", 1) == chat_message("a")
        assert chats.delete_message("k", 7) is None
        assert chats.delete_last_message("k") == chat_message("c")
        assert chats.get_keys() == ["k"]
        delete: Any = chats.delete_messages
        assert delete("k") is None
        assert chats.get_messages("k") == []
        assert chats.delete_last_message("k") is None

    def test_async(self, store: ChatStore) -> None:
        async def use() -> None:
            chats = LlamaIndexChatStore(store)
            await chats.aset_messages("k", [chat_message("a"), chat_message("b")])
            await chats.async_add_message("k", chat_message("c"))
            await chats.async_add_message("k", chat_message("first"), 0)
            assert contents(await chats.aget_messages("k")) == ["first", "a", "b", "c"]
            assert await chats.adelete_message("k", 1) == chat_message("a")
            assert await chats.adelete_last_message("k") == chat_message("c")
            assert await chats.aget_keys() == ["k"]
            await chats.adelete_messages("k")
            assert await chats.aget_messages("k") == []

        asyncio.run(use())

    def test_their_buffer_and_engine(self, store: ChatStore) -> None:
        chats = LlamaIndexChatStore(store)
        for question in ("one", "two"):
            memory = ChatMemoryBuffer.from_defaults(
                chat_store=chats, chat_store_key="k", tokenizer_fn=words
            )
            engine = SimpleChatEngine.from_defaults(llm=MockLLM(), memory=memory)
            engine.chat(question)
        asyncio.run(engine.achat("three"))

        stored = store.get_messages("k")
        assert [m.role.value for m in stored] == ["user", "assistant"] * 3
        assert contents(stored[::2]) == ["one", "two", "three"]


class TestMemory:
    """LlamaIndex's ``Memory``, which archives what no longer fits."""

    def test_goes_on_and_archives(self, store: ChatStore) -> None:
        def memory() -> Any:
            return Memory.from_defaults(
                session_id="k",
                chat_store=LlamaIndexDBChatStore(store),
                token_limit=20,
                token_flush_size=4,
                tokenizer_fn=words,
            )

        async def turns() -> Any:
            for number in range(12):
                await memory().aput_messages(
                    [chat_message(f"q {number}"), chat_message(f"a {number}", "assistant")]
                )
            active = contents(await memory().aget())
            return active, contents(await memory().aget_all())

        active, everything = asyncio.run(turns())
        expected = [f"{who} {number}" for number in range(12) for who in "qa"]
        assert everything == contents(store.get_messages("k")) == expected
        assert 0 < len(active) < len(expected)
        assert active == expected[-len(active) :]

    def test_every_method(self, store: ChatStore) -> None:
        async def use() -> None:
            chats = LlamaIndexDBChatStore(store)
            await chats.add_messages("k", [chat_message(letter) for letter in "abcdef"])
            assert contents(await chats.archive_oldest_messages("k", 2)) == ["a", "b"]
            assert contents(await chats.get_messages("k")) == ["c", "d", "e", "f"]
            assert contents(await chats.get_messages("k", ARCHIVED)) == ["a", "b"]
            assert contents(await chats.get_messages("k", None, limit=2, offset=1)) == ["b", "c"]
            counts = [
                await chats.count_messages("k", status) for status in (ACTIVE, ARCHIVED, None)
            ]
            assert counts == [4, 2, 6]
            await chats.add_message("k", chat_message("old"), ARCHIVED)
            assert contents(await chats.get_messages("k", ARCHIVED)) == ["a", "b", "old"]
            assert await chats.delete_message("k", 2) == chat_message("old")
            assert contents(await chats.get_messages("k", ARCHIVED)) == ["a", "b"]
            assert contents(await chats.delete_oldest_messages("k", 1)) == ["c"]
            assert contents(await chats.get_messages("k", None)) == ["a", "b", "d", "e", "f"]
            assert await chats.get_keys() == ["k"]
            await chats.delete_messages("k", ACTIVE)
            assert contents(await chats.get_messages("k", None)) == ["a", "b"]
            assert await chats.get_messages("k") == []
            await chats.add_message("k", chat_message("new"))
            await chats.delete_messages("k", ARCHIVED)
            assert contents(await chats.get_messages("k")) == ["new"]
            await chats.set_messages("k", [chat_message("x"), chat_message("y")], ARCHIVED)
            assert contents(await chats.get_messages("k", ARCHIVED)) == ["x", "y"]
            await chats.set_messages("k", [chat_message("z")])
            assert contents(await chats.get_messages("k")) == ["z"]
            await chats.delete_messages("k")
            assert await chats.get_keys() == []
            assert await chats.archive_oldest_messages("k", 3) == []
            with pytest.raises(InvalidArgumentError):
                await chats.delete_oldest_messages("k", -1)

        asyncio.run(use())
        assert store.get_keys() == []
