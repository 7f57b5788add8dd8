"""`BufferMemory` in chat engines, agents and workflows."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agents_llama_index import (
    CallingModel,
    Completing,
    Seen,
    ask,
    chat_message,
    contents,
    memory_over,
    weather,
    words,
)
from llama_index.core import MockEmbedding, SummaryIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import (
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.schema import Document
from llama_index.core.storage.chat_store import SimpleChatStore as LlamaIndexSimpleChatStore

from chatstore.core import ChatMemoryBuffer as Buffer
from chatstore.core import ChatMessage as Stored
from chatstore.core import ChatStore, InvalidArgumentError, SimpleChatStore, open_store
from chatstore.core.foreign import full_name
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.llama_index import (
    BufferMemory,
    LlamaIndexChatStore,
    LlamaIndexDBChatStore,
    register_store,
    sent_payload,
    to_messages,
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


class TestWindow:
    def test_sync_and_async(self, store: ChatStore) -> None:
        memory = memory_over(store, chat_history=[chat_message("seed")], token_limit=6)
        memory.put(chat_message("a b c"))
        asyncio.run(memory.aput_messages([chat_message("d", "assistant"), chat_message("e")]))

        everything = ["seed", "a b c", "d", "e"]
        assert contents(memory.get_all()) == contents(asyncio.run(memory.aget_all())) == everything
        assert contents(memory.get()) == contents(asyncio.run(memory.aget())) == ["e"]
        memory.set([chat_message("new")])
        assert contents(memory.get()) == ["new"]
        asyncio.run(memory.aset([chat_message("newer")]))
        asyncio.run(memory.aput(chat_message("newest")))
        assert contents(memory.get_all()) == ["newer", "newest"]
        memory.reset()
        assert asyncio.run(memory.aget()) == []
        memory.put_messages([chat_message("x")])
        asyncio.run(memory.areset())
        assert memory.get_all() == []

    def test_limit_comes_from_the_model(self) -> None:
        limit = int(MockLLM().metadata.context_window * 0.75)
        assert BufferMemory.from_defaults(llm=MockLLM()).to_dict()["token_limit"] == limit

    @pytest.mark.parametrize("reserved_tokens", [0, 40])
    def test_counts_above_the_limit_are_refused_as_by_llama_index(
        self, store: ChatStore, reserved_tokens: Any
    ) -> None:
        memory = memory_over(store, token_limit=100, reserved_tokens=reserved_tokens)
        memory.put(chat_message("a"))
        above = 101 - reserved_tokens
        reference = ChatMemoryBuffer.from_defaults(token_limit=100, tokenizer_fn=str.split)
        with pytest.raises(ValueError, match="token limit"):
            reference.get(initial_token_count=101)
        with pytest.raises(InvalidArgumentError, match="token_limit 100"):
            memory.get(initial_token_count=above)
        with pytest.raises(InvalidArgumentError, match="token_limit 100"):
            asyncio.run(memory.aget(initial_token_count=above))
        with pytest.raises(InvalidArgumentError, match="token_limit 9"):
            memory_over(store, token_limit=9, reserved_tokens=10)

    def test_messages_that_say_nothing_are_not_sent(self, store: ChatStore) -> None:
        memory = memory_over(store)
        call = ToolCallBlock(tool_call_id="1", tool_name="t", tool_kwargs={})
        remaining = [
            chat_message("q"),
            ChatMessage(role="assistant", blocks=[call]),
            ChatMessage(role="tool", blocks=[], additional_kwargs={"tool_call_id": "1"}),
            chat_message("a", "assistant"),
        ]
        empty = [
            ChatMessage(),
            ChatMessage(role="assistant", blocks=[]),
            chat_message("", "assistant"),
            chat_message(" \n", "assistant"),
            ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm")]),
        ]
        memory.put_messages([*remaining, *empty, chat_message("q2")])
        # an item that only its own provider understands
        reasoning = {"type": "reasoning", "id": "rs_1"}
        store.add_message("k", Stored(role="assistant", content=[reasoning]))

        assert memory.get() == asyncio.run(memory.aget()) == [*remaining, chat_message("q2")]
        assert len(memory.get_all()) == len(remaining) + len(empty) + 2


LONG = "word " * 2000
DOCUMENT = DocumentBlock(data=LONG.encode(), document_mimetype="text/plain")


class TestCounting:
    @pytest.mark.parametrize(
        "message",
        [
            ChatMessage(role="user", blocks=[DOCUMENT]),
            ChatMessage(
                role="user",
                blocks=[CitableBlock(title="t", source="s", content=[TextBlock(text=LONG)])],
            ),
            ChatMessage(
                role="assistant",
                blocks=[
                    TextBlock(text="a"),
                    CitationBlock(
                        cited_content=TextBlock(text=LONG),
                        source="s",
                        title="t",
                        additional_location_info={},
                    ),
                ],
            ),
            ChatMessage(
                role="assistant",
                blocks=[
                    TextBlock(text="a"),
                    ThinkingBlock(content=None, additional_information={"data": LONG}),
                ],
            ),
            ChatMessage(role="assistant", content="a", additional_kwargs={"reasoning": LONG}),
        ],
    )
    def test_what_the_common_fields_do_not_tell_counts(
        self, store: ChatStore, message: Any
    ) -> None:
        memory = memory_over(store, token_limit=1000)
        memory.put_messages([chat_message("q"), message, chat_message("q2")])
        assert memory.get() == [chat_message("q2")]

    def test_media_count_flat(self, store: ChatStore, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(b"\x89PNG" + bytes(100_000))
        conversation = [
            ChatMessage(role="user", blocks=[ImageBlock(image=b"\x89PNG" + bytes(300_000))]),
            chat_message("a", "assistant"),
            ChatMessage(role="user", blocks=[ImageBlock(path=path)]),
        ]
        memory = memory_over(store, token_limit=2400)
        memory.put_messages(conversation)
        assert memory.get() == conversation
        assert len(memory_over(store, token_limit=2200).get()) == 1

    def test_calls_count_once(self) -> None:
        call = ToolCallBlock(tool_call_id="1", tool_name="t", tool_kwargs={"a": "b"})
        kwargs = {"tool_calls": [{"id": "1", "function": {"arguments": '{"a": "b"}'}}]}
        message = ChatMessage(role="assistant", blocks=[call], additional_kwargs=kwargs)
        text = json.dumps(sent_payload(to_messages([message])[0]))
        assert text.count("tool_kwargs") == 1
        assert "tool_calls" not in text


@pytest.mark.parametrize("cut", ["steps", "sliding"])
def test_how_windows_are_cut_is_restored(cut: Any) -> None:
    memory = BufferMemory.from_defaults(cut=cut, token_limit=100, tokenizer_fn=str.split)
    memory.put_messages([chat_message("word " * 10) for _ in range(30)])

    restored = BufferMemory.from_dict(memory.to_dict(), tokenizer_fn=str.split)

    assert memory.to_dict()["cut"] == cut
    assert restored.get() == memory.get()


class TestArguments:
    def test_unknown_argument(self) -> None:
        with pytest.raises(TypeError, match="chatstore"):
            BufferMemory.from_defaults(chatstore=SimpleChatStore())
        memory_class: Any = BufferMemory
        with pytest.raises(TypeError, match="tokens"):
            memory_class(Buffer(), tokens=1)
        with pytest.raises(TypeError, match="initial_tokens"):
            BufferMemory.from_defaults().get(initial_tokens=1)
        with pytest.raises(TypeError, match="initial_tokens"):
            asyncio.run(BufferMemory.from_defaults().aget(initial_tokens=1))
        store_class: Any = LlamaIndexChatStore
        with pytest.raises(TypeError, match="fields"):
            store_class(SimpleChatStore(), fields=1)

    def test_key_is_required_with_a_store(self, store: ChatStore) -> None:
        with pytest.raises(InvalidArgumentError, match="chat_store_key is required"):
            BufferMemory.from_defaults(chat_store=store)
        for make in (Buffer, Buffer.from_defaults):
            with pytest.raises(InvalidArgumentError, match="chat_store_key is required"):
                make(chat_store=store)
        for chat_store in (None, SimpleChatStore()):
            assert BufferMemory.from_defaults(chat_store=chat_store).get_all() == []

    @pytest.mark.parametrize("foreign", [LlamaIndexSimpleChatStore(), "sqlite://", 1])
    @pytest.mark.parametrize(
        "make",
        [
            memory_over,
            LlamaIndexChatStore,
            LlamaIndexDBChatStore,
            lambda store: register_store("name", store),
        ],
    )
    def test_other_stores_are_refused_by_their_full_name(self, make: Any, foreign: Any) -> None:
        with pytest.raises(InvalidArgumentError, match=f"not {re.escape(full_name(foreign))}"):
            make(foreign)

    def test_other_buffers_are_refused(self) -> None:
        reference: Any = ChatMemoryBuffer.from_defaults(tokenizer_fn=str.split)
        with pytest.raises(InvalidArgumentError, match="not llama_index"):
            BufferMemory(reference)

    @pytest.mark.parametrize("name", ["", None, 1])
    def test_names_are_strings(self, store: ChatStore, name: str) -> None:
        with pytest.raises(InvalidArgumentError, match="name"):
            register_store(name, store)


class TestEngines:
    @pytest.mark.parametrize("by", ["chat", "achat", "stream_chat", "astream_chat"])
    def test_prefix_counts(self, store: ChatStore, by: str) -> None:
        model = Seen()
        memory = memory_over(store, token_limit=1000)
        engine = SimpleChatEngine.from_defaults(
            llm=model.llm, memory=memory, system_prompt="p " * 800
        )
        for _ in range(8):
            ask(engine, by)

        assert 800 < words(model.seen[-1]) <= 1000
        assert store.count_messages("k") == 16

    def test_prefix_above_the_limit_is_refused(self, store: ChatStore) -> None:
        memory = memory_over(store, token_limit=100)
        engine = SimpleChatEngine.from_defaults(
            llm=Seen().llm, memory=memory, system_prompt="p " * 101
        )
        with pytest.raises(InvalidArgumentError, match="initial_token_count 101"):
            engine.chat("q")

    def test_default_tokenizer_counts_a_prefix_without_waiting(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def load(*_: Any) -> None:
            raise AssertionError

        monkeypatch.setattr("chatstore.core.tokens.counter.load_encoding", load)
        memory = BufferMemory.from_defaults()
        assert len(memory.tokenizer_fn("a prompt of six words, about")) >= 6

    @pytest.mark.parametrize("mode", ["context", "condense_plus_context", "condense_question"])
    def test_reserved_tokens_keep_room_for_what_an_engine_adds(
        self, store: ChatStore, mode: Any
    ) -> None:
        llm = Completing(max_tokens=40)
        memory = memory_over(store, token_limit=1000, reserved_tokens=800)
        index = SummaryIndex.from_documents(
            [Document(text="n " * 300)], embed_model=MockEmbedding(2)
        )
        is_condensing = mode == "condense_question"
        options: dict[str, Any] = {} if is_condensing else {"system_prompt": "p " * 300}
        engine = index.as_chat_engine(mode, llm=llm, memory=memory, **options)
        for _ in range(8):
            engine.chat("q " * 20)

        assert max(len(prompt.split()) for prompt in llm._prompts) <= 1000
        assert store.count_messages("k") == 16


IDS = {
    "unique": lambda n: f"{uuid.uuid4()}",
    "none": lambda n: None,
    "empty": lambda n: "",
    "the tool's name": lambda n: "weather",
}


class TestAgents:
    @pytest.mark.parametrize("calls", [1, 3])
    @pytest.mark.parametrize("ids", IDS)
    @pytest.mark.parametrize("workflow", [False, True])
    def test_exchanges_stay_in_the_window(
        self, store: ChatStore, ids: Any, calls: Any, workflow: Any
    ) -> None:
        model = CallingModel(IDS[ids], calls)

        async def run() -> None:
            for question in ("q1", "q2"):
                agent = FunctionAgent(name="a", tools=[weather], llm=model.llm)
                runner = AgentWorkflow(agents=[agent], root_agent="a") if workflow else agent
                await runner.run(question, memory=memory_over(store))

        asyncio.run(run())
        # parallel tool calls end in any order
        results = [f"sunny in c{n}" for n in range(calls)]
        sent, remaining = contents(model.seen[-2]), contents(memory_over(store).get())
        assert sorted(map(str, sent)) == sorted(["q1", "None", *results, sent[-2], "q2"])
        assert remaining[: len(sent)] == sent
        assert len(remaining) == 2 * (len(sent) - 1)
        if ids in {"unique", "the tool's name"}:
            assert provider_violations(store.get_messages("k")) == []

    @pytest.mark.parametrize("form", ["empty and name", "none and name", "empty and empty"])
    def test_results_named_otherwise_than_their_calls(self, store: ChatStore, form: str) -> None:
        given, answered = form.split(" and ")
        call_id = {"empty": "", "none": None}[given]
        result_id = {"empty": "", "name": "weather"}[answered]
        call = ToolCallBlock(tool_call_id=call_id, tool_name="weather", tool_kwargs={})
        result = ChatMessage(
            role="tool", content="sun", additional_kwargs={"tool_call_id": result_id}
        )
        conversation = [chat_message("q"), ChatMessage(role="assistant", blocks=[call]), result]
        memory = memory_over(store)
        memory.put_messages([*conversation, chat_message("a", "assistant"), chat_message("q2")])

        assert memory.get() == [*conversation, chat_message("a", "assistant"), chat_message("q2")]


@pytest.mark.parametrize("default", [True, False])
def test_the_key_that_llama_index_takes_when_it_is_forgotten_is_told(
    store: ChatStore, default: Any
) -> None:
    options: dict[str, Any] = {} if default else {"chat_store_key": "user:42"}
    memory = ChatMemoryBuffer.from_defaults(
        chat_store=LlamaIndexChatStore(store), tokenizer_fn=str.split, **options
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        memory.put(chat_message("a"))
        asyncio.run(memory.aput(chat_message("b")))
        memory.set([chat_message("c")])
        memory.get()

    shared = [str(one.message) for one in told if "chat_store_key" in str(one.message)]
    assert len(shared) == (1 if default else 0)


@pytest.mark.parametrize("buffer", [Buffer, BufferMemory.from_defaults], ids=["core", "adapter"])
def test_async_methods_have_the_names_of_llama_indexs_buffer(buffer: Any) -> None:
    def message(text: str) -> Any:
        is_core = buffer is Buffer
        return Stored(role="user", content=text) if is_core else chat_message(text)

    async def use() -> None:
        memory = buffer(tokenizer_fn=str.split)
        await memory.aput(message("a"))
        await memory.aput_messages([message("b")])
        assert contents(await memory.aget()) == contents(await memory.aget_all()) == ["a", "b"]
        await memory.aset([message("c")])
        assert contents(await memory.aget(initial_token_count=1)) == ["c"]
        await memory.areset()
        assert await memory.aget_all() == []

    asyncio.run(use())


def test_messages_of_the_store_are_told_apart_from_those_of_llama_index() -> None:
    wrong: Any = Stored(role="user", content="hi")
    with pytest.raises(ValueError, match=r"chatstore\.core\.messages\.ChatMessage"):
        to_messages([wrong])
