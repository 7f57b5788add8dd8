"""`BufferMemory` after it was saved, restored, copied or pickled."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import uuid
from collections.abc import Iterator
from typing import Any, SupportsIndex

import pytest
from agents_llama_index import (
    Seen,
    chat_message,
    contents,
    memory_over,
    weather,
)
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.workflow import Context, JsonPickleSerializer, JsonSerializer

from chatstore.core import ChatStore, InvalidArgumentError, SimpleChatStore, open_store
from chatstore.llama_index import (
    BufferMemory,
    LlamaIndexChatStore,
    LlamaIndexDBChatStore,
    register_store,
)

# LlamaIndex's workflows use attributes that pydantic deprecates.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::chatstore.core.tokens.TokenEstimateWarning"),
]


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def registered(store: ChatStore) -> Any:
    name = f"store {uuid.uuid4()}"
    register_store(name, store)
    return store


class TestSaving:
    @pytest.mark.parametrize("serializer", [JsonSerializer(), JsonPickleSerializer()])
    def test_workflow_goes_on_after_its_context_was_restored(
        self, registered: Any, serializer: Any
    ) -> None:
        async def run() -> Any:
            model = Seen()
            agent = FunctionAgent(tools=[weather], llm=model.llm)
            context = Context(agent)
            memory = memory_over(registered, reserved_tokens=7)
            await agent.run("q1", ctx=context, memory=memory)
            text = json.dumps(context.to_dict(serializer=serializer))
            again = FunctionAgent(tools=[weather], llm=model.llm)
            restored = Context.from_dict(again, json.loads(text), serializer=serializer)
            await again.run("q2", ctx=restored)
            return model.seen[-1]

        assert contents(asyncio.run(run())) == ["q1", "a " * 40, "q2"]
        assert registered.count_messages("k") == 4

    def test_memory_in_memory_goes_on_with_its_messages(self) -> None:
        async def run() -> Any:
            model = Seen()
            agent = FunctionAgent(tools=[weather], llm=model.llm)
            context = Context(agent)
            memory = BufferMemory.from_defaults(tokenizer_fn=str.split)
            await agent.run("q1", ctx=context, memory=memory)
            text = json.dumps(context.to_dict())
            restored = Context.from_dict(agent, json.loads(text))
            await agent.run("q2", ctx=restored)
            return model.seen[-1]

        assert contents(asyncio.run(run())) == ["q1", "a " * 40, "q2"]

    def test_settings_come_back(self, registered: Any) -> None:
        memory = memory_over(registered, token_limit=50, reserved_tokens=7)
        memory.put(chat_message("a"))
        data = json.loads(memory.to_json())
        again = BufferMemory.from_dict(data, tokenizer_fn=str.split)

        assert again.to_dict() == memory.to_dict() == data
        assert again.get_all() == [chat_message("a")]
        assert "sqlite" not in json.dumps(data)

    def test_store_without_a_name_is_refused_at_once(self, store: ChatStore) -> None:
        memory = memory_over(store)
        with pytest.raises(InvalidArgumentError, match="register_store"):
            memory.to_dict()
        with pytest.raises(ValueError, match="register_store"):
            LlamaIndexChatStore(store).to_dict()
        with pytest.raises(ValueError, match="register_store"):
            ChatMemoryBuffer.from_defaults(
                chat_store=LlamaIndexChatStore(store), chat_store_key="k", tokenizer_fn=str.split
            ).to_dict()

    def test_workflow_says_that_a_store_without_a_name_was_not_saved(
        self, store: ChatStore
    ) -> None:
        async def run() -> None:
            agent = FunctionAgent(tools=[weather], llm=Seen().llm)
            context = Context(agent)
            await agent.run("q1", ctx=context, memory=memory_over(store))
            with pytest.warns(Warning, match="memory"):
                context.to_dict()

        asyncio.run(run())

    def test_name_that_is_not_registered_is_refused(self, registered: Any) -> None:
        data = memory_over(registered).to_dict()
        with pytest.raises(InvalidArgumentError, match="'other'"):
            BufferMemory.from_dict({**data, "chat_store": "other"})
        again = BufferMemory.from_dict({**data, "chat_store": "other"}, chat_store=registered)
        assert again.get_all() == []

    @pytest.mark.parametrize(
        "change", [{"token_limit": "1"}, {"messages": [{"content": "secret"}]}]
    )
    def test_other_data_are_refused_without_content(self, registered: Any, change: Any) -> None:
        data = {**memory_over(registered).to_dict(), **change}
        with pytest.raises(InvalidArgumentError) as caught:
            BufferMemory.from_dict(data)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        with pytest.raises(InvalidArgumentError, match="not what to_dict"):
            BufferMemory.from_dict({"class_name": "ChatstoreBufferMemory"})

    def test_registered_stores_are_not_kept_alive(self) -> None:
        register_store("gone", SimpleChatStore())
        gc.collect()
        with pytest.raises(InvalidArgumentError, match="'gone'"):
            BufferMemory.from_dict(
                {
                    "chat_store_key": "k",
                    "token_limit": 1,
                    "reserved_tokens": 0,
                    "chat_store": "gone",
                }
            )

    @pytest.mark.parametrize("is_in_memory", [False, True])
    def test_their_buffer_comes_back_with_its_store(
        self, registered: Any, is_in_memory: bool
    ) -> None:
        chats = LlamaIndexChatStore(SimpleChatStore() if is_in_memory else registered)
        memory = ChatMemoryBuffer.from_defaults(
            chat_store=chats, chat_store_key="k", tokenizer_fn=str.split
        )
        memory.put(chat_message("a"))
        again = ChatMemoryBuffer.from_dict(json.loads(memory.to_string()))

        assert isinstance(again.chat_store, LlamaIndexChatStore)
        assert again.get_all() == [chat_message("a")]


class TestCopies:
    @pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
    def test_copies_of_a_memory_are_the_same_conversation(
        self, store: ChatStore, make: Any
    ) -> None:
        memory = memory_over(store, reserved_tokens=1)
        memory.put(chat_message("a"))
        again = make(memory)
        again.put(chat_message("b"))

        assert contents(memory.get_all()) == ["a", "b"]
        assert contents(again.get()) == ["a", "b"]

    def test_pickled_memory_goes_on(self, store: ChatStore) -> None:
        memory = BufferMemory.from_defaults(chat_store=store, chat_store_key="k", reserved_tokens=9)
        memory.put(chat_message("a"))
        again = pickle.loads(pickle.dumps(memory))

        assert contents(again.get_all()) == ["a"]
        with pytest.raises(InvalidArgumentError, match="reserved_tokens 9"):
            again.get(initial_token_count=2992)

    def test_pickled_chat_stores_go_on(self, store: ChatStore) -> None:
        LlamaIndexChatStore(store).add_message("k", chat_message("a"))
        chats = pickle.loads(pickle.dumps(LlamaIndexChatStore(store)))
        memory_store = pickle.loads(pickle.dumps(LlamaIndexDBChatStore(store)))

        assert contents(chats.get_messages("k")) == ["a"]
        assert contents(asyncio.run(memory_store.get_messages("k"))) == ["a"]

    def test_what_cannot_be_pickled_is_refused_and_not_left_out(self, store: ChatStore) -> None:
        class Unpicklable(SimpleChatStore):
            def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
                raise TypeError("no")

        for holder in (
            memory_over(Unpicklable()),
            LlamaIndexChatStore(Unpicklable()),
            LlamaIndexDBChatStore(Unpicklable()),
        ):
            with pytest.raises(TypeError, match="no"):
                pickle.dumps(holder)
