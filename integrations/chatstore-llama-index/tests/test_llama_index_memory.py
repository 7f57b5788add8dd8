"""`BufferMemory` in chat engines, agents and workflows, and after it was saved or copied."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import uuid
import warnings

import pytest
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
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockLLM
from llama_index.core.llms.mock import MockFunctionCallingLLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.schema import Document
from llama_index.core.storage.chat_store import SimpleChatStore as LlamaIndexSimpleChatStore
from llama_index.core.workflow import Context, JsonPickleSerializer, JsonSerializer

from chatstore.core import ChatMemoryBuffer as Buffer
from chatstore.core import ChatMessage as Stored
from chatstore.core import InvalidArgumentError, SimpleChatStore, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.llama_index import (
    BufferMemory,
    LlamaIndexChatStore,
    LlamaIndexDBChatStore,
    register_store,
    sent_payload,
    to_messages,
)

# LlamaIndex's workflows look at attributes that pydantic deprecates.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::chatstore.core.tokens.TokenEstimateWarning"),
]


def say(text, role="user"):
    return ChatMessage(role=role, content=text)


def texts(messages):
    return [message.content for message in messages]


def words(messages):
    return sum(len((message.content or "").split()) for message in messages)


def memory_over(store, key="k", **options):
    options = {"tokenizer_fn": str.split, **options}
    return BufferMemory.from_defaults(chat_store=store, chat_store_key=key, **options)


@pytest.fixture
def store(store_url):
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def registered(store):
    name = f"store {uuid.uuid4()}"
    register_store(name, store)
    return store


class TestWindow:
    def test_sync_and_async(self, store):
        memory = memory_over(store, chat_history=[say("seed")], token_limit=6)
        memory.put(say("a b c"))
        asyncio.run(memory.aput_messages([say("d", "assistant"), say("e")]))

        everything = ["seed", "a b c", "d", "e"]
        assert texts(memory.get_all()) == texts(asyncio.run(memory.aget_all())) == everything
        assert texts(memory.get()) == texts(asyncio.run(memory.aget())) == ["e"]
        memory.set([say("new")])
        assert texts(memory.get()) == ["new"]
        asyncio.run(memory.aset([say("newer")]))
        asyncio.run(memory.aput(say("newest")))
        assert texts(memory.get_all()) == ["newer", "newest"]
        memory.reset()
        assert asyncio.run(memory.aget()) == []
        memory.put_messages([say("x")])
        asyncio.run(memory.areset())
        assert memory.get_all() == []

    def test_limit_comes_from_the_model(self):
        limit = int(MockLLM().metadata.context_window * 0.75)
        assert BufferMemory.from_defaults(llm=MockLLM()).to_dict()["token_limit"] == limit

    @pytest.mark.parametrize("reserved_tokens", [0, 40])
    def test_counts_above_the_limit_are_refused_as_by_llama_index(self, store, reserved_tokens):
        memory = memory_over(store, token_limit=100, reserved_tokens=reserved_tokens)
        memory.put(say("a"))
        above = 101 - reserved_tokens
        theirs = ChatMemoryBuffer.from_defaults(token_limit=100, tokenizer_fn=str.split)
        with pytest.raises(ValueError, match="token limit"):
            theirs.get(initial_token_count=101)
        with pytest.raises(InvalidArgumentError, match="token_limit 100"):
            memory.get(initial_token_count=above)
        with pytest.raises(InvalidArgumentError, match="token_limit 100"):
            asyncio.run(memory.aget(initial_token_count=above))
        with pytest.raises(InvalidArgumentError, match="token_limit 9"):
            memory_over(store, token_limit=9, reserved_tokens=10)

    def test_messages_that_say_nothing_are_not_sent(self, store):
        memory = memory_over(store)
        call = ToolCallBlock(tool_call_id="1", tool_name="t", tool_kwargs={})
        kept = [
            say("q"),
            ChatMessage(role="assistant", blocks=[call]),
            ChatMessage(role="tool", blocks=[], additional_kwargs={"tool_call_id": "1"}),
            say("a", "assistant"),
        ]
        empty = [
            ChatMessage(),
            ChatMessage(role="assistant", blocks=[]),
            say("", "assistant"),
            say(" \n", "assistant"),
            ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm")]),
        ]
        memory.put_messages([*kept, *empty, say("q2")])
        # An item that only its own provider understands.
        reasoning = {"type": "reasoning", "id": "rs_1"}
        store.add_message("k", Stored(role="assistant", content=[reasoning]))

        assert memory.get() == asyncio.run(memory.aget()) == [*kept, say("q2")]
        assert len(memory.get_all()) == len(kept) + len(empty) + 2


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
    def test_what_the_common_fields_do_not_tell_counts(self, store, message):
        memory = memory_over(store, token_limit=1000)
        memory.put_messages([say("q"), message, say("q2")])
        assert memory.get() == [say("q2")]

    def test_media_count_flat(self, store, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(b"\x89PNG" + bytes(100_000))
        said = [
            ChatMessage(role="user", blocks=[ImageBlock(image=b"\x89PNG" + bytes(300_000))]),
            say("a", "assistant"),
            ChatMessage(role="user", blocks=[ImageBlock(path=path)]),
        ]
        memory = memory_over(store, token_limit=2400)
        memory.put_messages(said)
        assert memory.get() == said
        assert len(memory_over(store, token_limit=2200).get()) == 1

    def test_calls_count_once(self):
        call = ToolCallBlock(tool_call_id="1", tool_name="t", tool_kwargs={"a": "b"})
        kwargs = {"tool_calls": [{"id": "1", "function": {"arguments": '{"a": "b"}'}}]}
        message = ChatMessage(role="assistant", blocks=[call], additional_kwargs=kwargs)
        text = json.dumps(sent_payload(to_messages([message])[0]))
        assert text.count("tool_kwargs") == 1
        assert "tool_calls" not in text


class TestArguments:
    def test_unknown_argument(self):
        with pytest.raises(TypeError, match="chatstore"):
            BufferMemory.from_defaults(chatstore=SimpleChatStore())
        with pytest.raises(TypeError, match="tokens"):
            BufferMemory(Buffer(), tokens=1)
        with pytest.raises(TypeError, match="initial_tokens"):
            BufferMemory.from_defaults().get(initial_tokens=1)
        with pytest.raises(TypeError, match="initial_tokens"):
            asyncio.run(BufferMemory.from_defaults().aget(initial_tokens=1))
        with pytest.raises(TypeError, match="fields"):
            LlamaIndexChatStore(SimpleChatStore(), fields=1)

    def test_key_is_required_with_a_store(self, store):
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
    def test_other_stores_are_refused_by_their_full_name(self, make, foreign):
        kind = type(foreign)
        with pytest.raises(InvalidArgumentError, match=rf"not {kind.__module__}.{kind.__name__}"):
            make(foreign)

    def test_other_buffers_are_refused(self):
        theirs = ChatMemoryBuffer.from_defaults(tokenizer_fn=str.split)
        with pytest.raises(InvalidArgumentError, match="not llama_index"):
            BufferMemory(theirs)

    @pytest.mark.parametrize("name", ["", None, 1])
    def test_names_are_strings(self, store, name):
        with pytest.raises(InvalidArgumentError, match="name"):
            register_store(name, store)


class Seen:
    """A model that notes what it is sent, and answers in 40 words."""

    def __init__(self):
        self.seen = []
        self.llm = MockFunctionCallingLLM(response_generator=self.answer)

    def answer(self, messages, **options):
        self.seen.append(list(messages))
        return say("a " * 40, "assistant")


def ask(engine, by):
    async def stream():
        response = await engine.astream_chat("q " * 20)
        async for _ in response.async_response_gen():
            pass
        task = getattr(response, "awrite_response_to_history_task", None)
        if task is not None:  # LlamaIndex's versions differ in who waits for it
            await task

    if by == "chat":
        engine.chat("q " * 20)
    elif by == "achat":
        asyncio.run(engine.achat("q " * 20))
    elif by == "stream_chat":
        response = engine.stream_chat("q " * 20)
        list(response.response_gen)
        thread = getattr(response, "write_response_to_history_thread", None)
        if thread is not None:
            thread.join()
    else:
        asyncio.run(stream())


class TestEngines:
    @pytest.mark.parametrize("by", ["chat", "achat", "stream_chat", "astream_chat"])
    def test_prefix_counts(self, store, by):
        model = Seen()
        memory = memory_over(store, token_limit=1000)
        engine = SimpleChatEngine.from_defaults(
            llm=model.llm, memory=memory, system_prompt="p " * 800
        )
        for _ in range(8):
            ask(engine, by)

        assert 800 < words(model.seen[-1]) <= 1000
        assert store.count_messages("k") == 16

    def test_prefix_above_the_limit_is_refused(self, store):
        memory = memory_over(store, token_limit=100)
        engine = SimpleChatEngine.from_defaults(
            llm=Seen().llm, memory=memory, system_prompt="p " * 101
        )
        with pytest.raises(InvalidArgumentError, match="initial_token_count 101"):
            engine.chat("q")

    def test_default_tokenizer_counts_a_prefix_without_waiting(self, monkeypatch):
        def load(*_):
            raise AssertionError

        monkeypatch.setattr("chatstore.core.tokens.counter.load_encoding", load)
        memory = BufferMemory.from_defaults()
        assert len(memory.tokenizer_fn("a prompt of six words, about")) >= 6

    @pytest.mark.parametrize("mode", ["context", "condense_plus_context", "condense_question"])
    def test_reserved_tokens_keep_room_for_what_an_engine_adds(self, store, mode):
        llm = Completing(max_tokens=40)
        memory = memory_over(store, token_limit=1000, reserved_tokens=800)
        index = SummaryIndex.from_documents(
            [Document(text="n " * 300)], embed_model=MockEmbedding(2)
        )
        options = {} if mode == "condense_question" else {"system_prompt": "p " * 300}
        engine = index.as_chat_engine(mode, llm=llm, memory=memory, **options)
        for _ in range(8):
            engine.chat("q " * 20)

        assert max(len(prompt.split()) for prompt in llm._prompts) <= 1000
        assert store.count_messages("k") == 16


class Completing(MockLLM):
    """A model that notes what it is asked, and answers in a few words."""

    _prompts: list[str] = PrivateAttr(default_factory=list)

    def complete(self, prompt, formatted=False, **options):
        self._prompts.append(prompt)
        return super().complete(prompt, formatted, **options)


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


class CallingModel:
    """Calls a tool for each question, with whatever ids its provider has."""

    def __init__(self, call_id, calls=1):
        self.seen = []
        self.call_id = call_id
        self.calls = calls
        self.llm = MockFunctionCallingLLM(response_generator=self.answer)

    def answer(self, messages, **options):
        self.seen.append(list(messages))
        last = messages[-1]
        if last.role == "tool":
            return say(last.content, "assistant")
        blocks = [
            ToolCallBlock(
                tool_call_id=self.call_id(n), tool_name="weather", tool_kwargs={"city": f"c{n}"}
            )
            for n in range(self.calls)
        ]
        return ChatMessage(role="assistant", blocks=blocks)


# Ollama's integration gives calls no id or an empty one and results the tool's name, Vertex AI's
# gives both the tool's name.
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
    def test_exchanges_stay_in_the_window(self, store, ids, calls, workflow):
        model = CallingModel(IDS[ids], calls)

        async def run():
            for question in ("q1", "q2"):
                agent = FunctionAgent(name="a", tools=[weather], llm=model.llm)
                runner = AgentWorkflow(agents=[agent], root_agent="a") if workflow else agent
                await runner.run(question, memory=memory_over(store))

        asyncio.run(run())
        # Tools that are called at once end in any order.
        results = [f"sunny in c{n}" for n in range(calls)]
        sent, kept = texts(model.seen[-2]), texts(memory_over(store).get())
        assert sorted(map(str, sent)) == sorted(["q1", "None", *results, sent[-2], "q2"])
        assert kept[: len(sent)] == sent
        assert len(kept) == 2 * (len(sent) - 1)
        if ids in {"unique", "the tool's name"}:
            assert provider_violations(store.get_messages("k")) == []

    @pytest.mark.parametrize("form", ["empty and name", "none and name", "empty and empty"])
    def test_results_named_otherwise_than_their_calls(self, store, form):
        given, answered = form.split(" and ")
        call_id = {"empty": "", "none": None}[given]
        result_id = {"empty": "", "name": "weather"}[answered]
        call = ToolCallBlock(tool_call_id=call_id, tool_name="weather", tool_kwargs={})
        result = ChatMessage(
            role="tool", content="sun", additional_kwargs={"tool_call_id": result_id}
        )
        said = [say("q"), ChatMessage(role="assistant", blocks=[call]), result]
        memory = memory_over(store)
        memory.put_messages([*said, say("a", "assistant"), say("q2")])

        assert memory.get() == [*said, say("a", "assistant"), say("q2")]


class TestSaving:
    @pytest.mark.parametrize("serializer", [JsonSerializer(), JsonPickleSerializer()])
    def test_workflow_goes_on_after_its_context_was_restored(self, registered, serializer):
        async def run():
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

        assert texts(asyncio.run(run())) == ["q1", "a " * 40, "q2"]
        assert registered.count_messages("k") == 4

    def test_memory_in_memory_goes_on_with_its_messages(self):
        async def run():
            model = Seen()
            agent = FunctionAgent(tools=[weather], llm=model.llm)
            context = Context(agent)
            memory = BufferMemory.from_defaults(tokenizer_fn=str.split)
            await agent.run("q1", ctx=context, memory=memory)
            text = json.dumps(context.to_dict())
            restored = Context.from_dict(agent, json.loads(text))
            await agent.run("q2", ctx=restored)
            return model.seen[-1]

        assert texts(asyncio.run(run())) == ["q1", "a " * 40, "q2"]

    def test_settings_come_back(self, registered):
        memory = memory_over(registered, token_limit=50, reserved_tokens=7)
        memory.put(say("a"))
        data = json.loads(memory.to_json())
        again = BufferMemory.from_dict(data, tokenizer_fn=str.split)

        assert again.to_dict() == memory.to_dict() == data
        assert again.get_all() == [say("a")]
        assert "sqlite" not in json.dumps(data)

    def test_store_without_a_name_is_refused_at_once(self, store):
        memory = memory_over(store)
        with pytest.raises(InvalidArgumentError, match="register_store"):
            memory.to_dict()
        with pytest.raises(ValueError, match="register_store"):
            LlamaIndexChatStore(store).to_dict()
        with pytest.raises(ValueError, match="register_store"):
            ChatMemoryBuffer.from_defaults(
                chat_store=LlamaIndexChatStore(store), chat_store_key="k", tokenizer_fn=str.split
            ).to_dict()

    def test_workflow_says_that_a_store_without_a_name_was_not_saved(self, store):
        async def run():
            agent = FunctionAgent(tools=[weather], llm=Seen().llm)
            context = Context(agent)
            await agent.run("q1", ctx=context, memory=memory_over(store))
            with pytest.warns(Warning, match="memory"):
                context.to_dict()

        asyncio.run(run())

    def test_name_that_is_not_registered_is_refused(self, registered):
        data = memory_over(registered).to_dict()
        with pytest.raises(InvalidArgumentError, match="'other'"):
            BufferMemory.from_dict({**data, "chat_store": "other"})
        again = BufferMemory.from_dict({**data, "chat_store": "other"}, chat_store=registered)
        assert again.get_all() == []

    @pytest.mark.parametrize(
        "change", [{"token_limit": "1"}, {"messages": [{"content": "secret"}]}]
    )
    def test_other_data_are_refused_without_content(self, registered, change):
        data = {**memory_over(registered).to_dict(), **change}
        with pytest.raises(InvalidArgumentError) as caught:
            BufferMemory.from_dict(data)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        with pytest.raises(InvalidArgumentError, match="not what to_dict"):
            BufferMemory.from_dict({"class_name": "ChatstoreBufferMemory"})

    def test_registered_stores_are_not_kept_alive(self):
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
    def test_their_buffer_comes_back_with_its_store(self, registered, is_in_memory):
        chats = LlamaIndexChatStore(SimpleChatStore() if is_in_memory else registered)
        memory = ChatMemoryBuffer.from_defaults(
            chat_store=chats, chat_store_key="k", tokenizer_fn=str.split
        )
        memory.put(say("a"))
        again = ChatMemoryBuffer.from_dict(json.loads(memory.to_string()))

        assert isinstance(again.chat_store, LlamaIndexChatStore)
        assert again.get_all() == [say("a")]


class TestCopies:
    @pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
    def test_copies_of_a_memory_are_the_same_conversation(self, store, make):
        memory = memory_over(store, reserved_tokens=1)
        memory.put(say("a"))
        again = make(memory)
        again.put(say("b"))

        assert texts(memory.get_all()) == ["a", "b"]
        assert texts(again.get()) == ["a", "b"]

    def test_pickled_memory_goes_on(self, store):
        memory = BufferMemory.from_defaults(chat_store=store, chat_store_key="k", reserved_tokens=9)
        memory.put(say("a"))
        again = pickle.loads(pickle.dumps(memory))

        assert texts(again.get_all()) == ["a"]
        with pytest.raises(InvalidArgumentError, match="reserved_tokens 9"):
            again.get(initial_token_count=2992)

    def test_pickled_chat_stores_go_on(self, store):
        LlamaIndexChatStore(store).add_message("k", say("a"))
        chats = pickle.loads(pickle.dumps(LlamaIndexChatStore(store)))
        memory_store = pickle.loads(pickle.dumps(LlamaIndexDBChatStore(store)))

        assert texts(chats.get_messages("k")) == ["a"]
        assert texts(asyncio.run(memory_store.get_messages("k"))) == ["a"]

    def test_what_cannot_be_pickled_is_refused_and_not_left_out(self, store):
        class Unpicklable(SimpleChatStore):
            def __reduce_ex__(self, protocol):
                message = "no"
                raise TypeError(message)

        for kept in (
            memory_over(Unpicklable()),
            LlamaIndexChatStore(Unpicklable()),
            LlamaIndexDBChatStore(Unpicklable()),
        ):
            with pytest.raises(TypeError, match="no"):
                pickle.dumps(kept)


@pytest.mark.parametrize("default", [True, False])
def test_the_key_that_llama_index_takes_when_it_is_forgotten_is_told(store, default):
    options = {} if default else {"chat_store_key": "user:42"}
    memory = ChatMemoryBuffer.from_defaults(
        chat_store=LlamaIndexChatStore(store), tokenizer_fn=str.split, **options
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        memory.put(say("a"))
        asyncio.run(memory.aput(say("b")))
        memory.set([say("c")])
        memory.get()

    shared = [str(one.message) for one in told if "chat_store_key" in str(one.message)]
    assert len(shared) == (1 if default else 0)


@pytest.mark.parametrize("buffer", [Buffer, BufferMemory.from_defaults], ids=["core", "adapter"])
def test_async_methods_have_the_names_of_llama_indexs_buffer(buffer):
    def message(text):
        is_core = buffer is Buffer
        return Stored(role="user", content=text) if is_core else say(text)

    async def use():
        memory = buffer(tokenizer_fn=str.split)
        await memory.aput(message("a"))
        await memory.aput_messages([message("b")])
        assert texts(await memory.aget()) == texts(await memory.aget_all()) == ["a", "b"]
        await memory.aset([message("c")])
        assert texts(await memory.aget(initial_token_count=1)) == ["c"]
        await memory.areset()
        assert await memory.aget_all() == []

    asyncio.run(use())


def test_messages_of_the_store_are_told_apart_from_those_of_llama_index():
    with pytest.raises(ValueError, match=r"chatstore\.core\.messages\.ChatMessage"):
        to_messages([Stored(role="user", content="hi")])
