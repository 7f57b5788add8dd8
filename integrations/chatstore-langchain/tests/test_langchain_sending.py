"""What the middleware sends is what it counted, and what providers accept."""

from __future__ import annotations

import asyncio
import json
import threading
import warnings
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    SummarizationMiddleware,
)
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command
from pydantic import BaseModel, Field

from chatstore.core import ChatMemoryBuffer, SimpleChatStore, TokenLimitWarning, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.langchain import (
    ChatHistoryMiddleware,
    ChatStoreMessageHistory,
    sent_payload,
    to_langchain,
    to_messages,
)
from chatstore.langchain.sending import sendable

THREAD = {"configurable": {"thread_id": "k"}}
LIMIT = 1000
LONG = "word " * 2000


class Model(BaseChatModel):
    """Says what it is told to say, one after the other, the last again and again."""

    says: list[Any]
    seen: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self):
        return "test"

    def bind_tools(self, tools, **options):
        return self

    def bind(self, **options):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **options):
        self.seen.append(list(messages))
        says = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(says, Exception):
            raise says
        if callable(says):
            says = says(messages)
        return ChatResult(generations=[ChatGeneration(message=says.model_copy())])


def agent(store, model, *, tools=(), others=(), checkpointer=None, system=None, **options):
    options = {"tokenizer_fn": str.split, "token_limit": LIMIT, **options}
    return create_agent(
        model,
        list(tools),
        system_prompt=system,
        middleware=[*others, ChatHistoryMiddleware(store, **options)],
        checkpointer=checkpointer,
    )


def ask(made, *messages, by="invoke", thread=THREAD):
    asked = {"messages": list(messages)}
    if by == "ainvoke":
        return asyncio.run(made.ainvoke(asked, thread))
    return made.invoke(asked, thread)


def words(value):
    """Return how many words any JSON has that is no base64."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, dict):
        return sum(words(item) for item in value.values())
    if isinstance(value, list):
        return sum(words(item) for item in value)
    return 0


ANTHROPIC = {"model_provider": "anthropic"}
OPENAI = {"model_provider": "openai"}
GOOGLE = {"model_provider": "google_genai"}
PROVIDERS = {
    "web search": (
        [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": "s",
                "content": [
                    {"type": "web_search_result", "url": "https://x", "encrypted_content": LONG}
                ],
            },
            {"type": "text", "text": "found"},
        ],
        ANTHROPIC,
    ),
    "code execution": (
        [{"type": "code_execution_tool_result", "tool_use_id": "s", "content": {"stdout": LONG}}],
        ANTHROPIC,
    ),
    "redacted thinking": (
        [{"type": "redacted_thinking", "data": LONG}, {"type": "text", "text": "a"}],
        ANTHROPIC,
    ),
    "citations": (
        [{"type": "text", "text": "a", "citations": [{"cited_text": LONG, "type": "char"}]}],
        ANTHROPIC,
    ),
    "reasoning": (
        [{"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": LONG}],
        OPENAI,
    ),
    "file search": (
        [{"type": "file_search_call", "id": "fs", "queries": ["q"], "results": [{"text": LONG}]}],
        OPENAI,
    ),
    "executable code": (
        [{"type": "executable_code", "executable_code": LONG, "language": "python"}],
        GOOGLE,
    ),
    "unknown": ([{"type": "of tomorrow", "value": {"deep": [LONG]}}], {}),
    "bedrock": ([{"reasoningContent": {"text": LONG}}, {"type": "text", "text": "a"}], {}),
}


@pytest.mark.parametrize("by", ["invoke", "ainvoke"])
@pytest.mark.parametrize("kind", PROVIDERS)
def test_blocks_of_providers_count(kind, by):
    content, metadata = PROVIDERS[kind]
    model = Model(says=[AIMessage(content, response_metadata=metadata)])
    made = agent(SimpleChatStore(), model)
    for number in range(4):
        ask(made, HumanMessage(f"q{number}"), by=by)

    assert sum(words(message.content) for message in model.seen[-1]) <= LIMIT
    assert model.seen[-1][-1].content == "q3"


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage([{"type": "document", "source": {"type": "text", "data": LONG}}]),
        HumanMessage([{"type": "search_result", "source": "s", "content": [{"text": LONG}]}]),
        HumanMessage(
            [{"type": "document", "source": {"type": "content", "content": [{"text": LONG}]}}]
        ),
        HumanMessage("a", additional_kwargs={"documents": [{"text": LONG}]}),
    ],
)
def test_documents_that_are_text_count(message):
    model = Model(says=[AIMessage("a")])
    made = agent(SimpleChatStore(), model)
    with pytest.warns(TokenLimitWarning):
        ask(made, message)
    ask(made, HumanMessage("q"))

    assert [one.content for one in model.seen[-1]] == ["q"]


PICTURE = "iVBORw0KGgo" + "A" * 400_000
PICTURES = {
    "anthropic's": {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PICTURE},
    },
    "openai's": {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{PICTURE}"},
    },
    "standard": {"type": "image", "base64": PICTURE, "mime_type": "image/png"},
}


@pytest.mark.parametrize("form", PICTURES)
def test_pictures_in_results_count_as_media(form):
    call = {"name": "t", "args": {}, "id": "1"}
    nested = {"type": "tool_result", "tool_use_id": "1", "content": [PICTURES[form]]}
    for result in (ToolMessage([PICTURES[form]], tool_call_id="1"), HumanMessage([nested])):
        store = SimpleChatStore()
        said = [HumanMessage("q"), AIMessage("", tool_calls=[call]), result, AIMessage("a")]
        store.add_messages("k", to_messages(said))
        buffer = ChatMemoryBuffer(1300, store, "k", str.split, payload_fn=sent_payload)

        assert to_langchain(buffer.get()) == said


def test_payload_is_what_is_sent():
    call = {"name": "t", "args": {"a": "b"}, "id": "1", "type": "tool_call"}
    used = {"type": "tool_use", "id": "1", "name": "t", "input": {"a": "b"}}
    for content in ("", [used]):
        message = AIMessage(
            content,
            tool_calls=[call],
            additional_kwargs={"tool_calls": [{"id": "1"}]},
            response_metadata={"headers": LONG},
            usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
            id="m",
        )
        text = json.dumps(sent_payload(to_messages([message])[0]))
        assert text.count('{"a": "b"}') == 1
        assert "word" not in text
    result = ToolMessage("r", tool_call_id="1", artifact={"a": LONG})
    assert "word" not in json.dumps(sent_payload(to_messages([result])[0]))
    assert sent_payload(to_messages([HumanMessage("q")])[0]) is None


class Answer(BaseModel):
    """What is asked for."""

    text: str = Field(description="described " * 300)


def search(query: str) -> str:
    """Find."""
    return query


DESCRIBED = StructuredTool.from_function(search, description="described " * 600)
BESIDES = {
    "system prompt": {"system": "rule " * 600},
    "tools": {"tools": [DESCRIBED]},
    "provider's tool": {"tools": [{"type": "web_search", "description": "described " * 600}]},
}


@pytest.mark.parametrize("by", ["invoke", "ainvoke"])
@pytest.mark.parametrize("what", BESIDES)
def test_what_is_sent_besides_takes_room(what, by):
    model = Model(says=[AIMessage("a " * 100)])
    made = agent(SimpleChatStore(), model, **BESIDES[what])
    for number in range(6):
        ask(made, HumanMessage(f"q{number} " * 50), by=by)

    sent = [one for one in model.seen[-1] if not isinstance(one, SystemMessage)]
    assert 0 < sum(words(message.content) for message in sent) <= LIMIT - 600


@pytest.mark.parametrize("strategy", [ToolStrategy, ProviderStrategy])
def test_schemas_of_answers_take_room(strategy):
    seen = []

    class Looking(AgentMiddleware):
        def wrap_model_call(self, request, handler):
            seen.append(request.messages)
            return handler(request)

    call = {"name": "Answer", "args": {"text": "a"}, "id": "1"}
    said = AIMessage('{"text": "a"}', tool_calls=[call] if strategy is ToolStrategy else [])
    made = create_agent(
        Model(says=[said]),
        [],
        response_format=strategy(Answer),
        middleware=[
            ChatHistoryMiddleware(SimpleChatStore(), token_limit=500, tokenizer_fn=str.split),
            Looking(),
        ],
    )
    for number in range(6):
        ask(made, HumanMessage(f"q{number} " * 50))

    assert sum(words(message.content) for message in seen[-1]) <= 200
    assert seen[-1][-1].content.startswith("q5")


def test_what_other_middleware_adds_takes_room():
    class Hinting(AgentMiddleware):
        def wrap_model_call(self, request, handler):
            *before, last = request.messages
            hint = HumanMessage("hint " * 500)
            longer = last.model_copy(update={"content": last.content + " more" * 200})
            return handler(request.override(messages=[*before, hint, longer]))

    model = Model(says=[AIMessage("a " * 50)])
    made = agent(SimpleChatStore(), model, others=[Hinting()])
    for number in range(8):
        ask(made, HumanMessage(f"q{number} " * 50))

    assert sum(words(message.content) for message in model.seen[-1]) <= LIMIT


def test_the_newest_turn_is_sent_even_without_room():
    model = Model(says=[AIMessage("a")])
    made = agent(SimpleChatStore(), model, system="rule " * 2000)
    with pytest.warns(TokenLimitWarning):
        ask(made, HumanMessage("q"))

    assert [one.content for one in model.seen[-1][1:]] == ["q"]


def valid(messages):
    return provider_violations([one for one in to_messages(messages) if one.role != "system"]) == []


def calling(*ids, name="search", content=""):
    return AIMessage(
        content, tool_calls=[{"name": name, "args": {"query": "x"}, "id": one} for one in ids]
    )


def result(call_id, content="r", **more):
    return ToolMessage(content, tool_call_id=call_id, **more)


class TestSendable:
    def test_calls_without_results_are_not_sent(self):
        q, a = HumanMessage("q"), AIMessage("a")
        for broken in ([calling("1")], [calling("1", "2"), result("1")], [result("1")]):
            assert sendable([q, *broken, a, q]) == [q, a, q]
            assert sendable([q, *broken]) == [q]

    def test_words_between_call_and_result_are_moved_behind(self):
        q, wait, call, answer = HumanMessage("q"), HumanMessage("wait"), calling("1"), result("1")
        assert sendable([q, call, wait, answer]) == [q, call, answer, wait]

    def test_repeated_and_missing_ids(self):
        q = HumanMessage("q")
        for said in (
            [calling("a", "a"), result("a"), result("a")],
            [calling("a"), result("a"), calling("a"), result("a")],
            [calling(None), result("search")],
            [calling(None, None), result("", name="search"), result("", name="search")],
        ):
            assert sendable([q, *said]) == [q, *said]
        assert sendable([q, calling("a", "a"), result("a")]) == [q]

    def test_what_says_nothing_is_not_sent(self):
        q = HumanMessage("q")
        thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
        for empty in ("", " \n", [], [""], [{"type": "text", "text": " "}]):
            assert sendable([q, AIMessage(empty), q]) == [q, q]
        called = AIMessage("", additional_kwargs={"function_call": {"name": "f"}})
        for full in ("a", [thought], [{"type": "text", "text": "a"}]):
            assert sendable([q, AIMessage(full), q]) == [q, AIMessage(full), q]
        assert called in sendable([q, called])

    def test_results_in_anthropics_form(self):
        q, wait = HumanMessage("q"), {"type": "text", "text": "wait"}
        answers = [{"type": "tool_result", "tool_use_id": one, "content": "r"} for one in "ab"]
        said = [q, calling("a", "b"), HumanMessage([*answers, wait])]
        assert sendable(said) == said
        assert sendable([q, calling("a"), HumanMessage([*answers, wait])]) == [
            q,
            calling("a"),
            HumanMessage([answers[0], wait]),
        ]
        stored = to_messages(said)
        assert provider_violations(stored) == []
        assert to_langchain(stored) == said

    def test_calls_in_anthropics_form_only(self):
        used = AIMessage([{"type": "tool_use", "id": "a", "name": "t", "input": {}}])
        stored = to_messages([HumanMessage("q"), used, result("a"), AIMessage("done")])
        assert provider_violations(stored) == []
        assert to_langchain(stored)[1] == used


@pytest.fixture
def store(store_url):
    with open_store(store_url) as opened:
        yield opened


class TestRuns:
    @pytest.mark.parametrize("has_checkpointer", [False, True])
    @pytest.mark.parametrize("by", ["invoke", "ainvoke"])
    def test_after_any_broken_run_the_model_is_sent_what_it_accepts(
        self, store, has_checkpointer, by
    ):
        def failing(query: str) -> str:
            """Fail."""
            raise RuntimeError(query)

        model = Model(says=[calling("1", "2", name="failing"), AIMessage("fine")])
        tool = StructuredTool.from_function(failing, name="failing")
        made = agent(
            store, model, tools=[tool], checkpointer=InMemorySaver() if has_checkpointer else None
        )
        with pytest.raises(RuntimeError):
            ask(made, HumanMessage("q1"), by=by)
        ask(made, HumanMessage("q2"), by=by)
        model.says = [RuntimeError("down")]
        with pytest.raises(RuntimeError):
            ask(made, HumanMessage("q3"), by=by)
        model.says = [AIMessage("fine")]
        ask(made, HumanMessage("q4"), by=by)

        assert all(map(valid, model.seen))
        assert [m.content for m in model.seen[-1]] == ["q1", "q2", "fine", "q3", "q4"]
        assert provider_violations(store.get_messages("k")) == []

    def test_what_says_nothing_is_kept_and_not_sent(self, store):
        model = Model(says=[AIMessage(""), AIMessage("a")])
        made = agent(store, model)
        ask(made, HumanMessage("q1"))
        ask(made, HumanMessage("q2"))

        assert [m.content for m in model.seen[-1]] == ["q1", "q2"]
        assert store.count_messages("k") == 4

    @pytest.mark.parametrize("ids", [("a", "a"), (None, None), (None, "a")])
    def test_repeated_and_missing_ids_stay_in_the_conversation(self, store, ids):
        calls = calling(*ids)
        answers = [result(call["id"] or "", name="search") for call in calls.tool_calls]
        model = Model(says=[AIMessage("done")])
        made = agent(store, model)
        ask(made, HumanMessage("q1"), calls, *answers)
        ask(made, HumanMessage("q2"))

        assert [m.type for m in model.seen[-1]] == ["human", "ai", "tool", "tool", "ai", "human"]
        assert store.count_messages("k") == 7

    def test_replayed_messages_are_kept_once(self, store):
        model = Model(says=[AIMessage("a")])
        made = agent(store, model)
        first = ask(made, HumanMessage("q1", id="1"))["messages"]
        ask(made, *first, HumanMessage("q2", id="2"))
        history = ChatStoreMessageHistory(store, "k")
        history.add_messages(history.messages)

        assert [m.content for m in history.messages] == ["q1", "a", "q2", "a"]

    def test_messages_removed_from_a_state_stay_in_the_store(self, store):
        class Trimming(AgentMiddleware):
            def before_model(self, state, runtime):
                return {"messages": [RemoveMessage(id=m.id) for m in state["messages"][:-1]]}

        model = Model(says=[AIMessage("a")])
        made = agent(store, model, others=[Trimming()], checkpointer=InMemorySaver())
        for number in range(3):
            ask(made, HumanMessage(f"q{number}"))

        assert [m.content for m in model.seen[-1]] == ["q0", "a", "q1", "a", "q2"]
        assert store.count_messages("k") == 6

    @pytest.mark.parametrize("decision", ["approve", "edit", "reject", "ask something else"])
    def test_a_run_that_waits_for_a_person(self, store, decision):
        def answer(messages):
            return AIMessage("done") if messages[-1].type == "tool" else calling("1")

        model = Model(says=[answer])
        asking = HumanInTheLoopMiddleware(interrupt_on={"search": True})
        tool = StructuredTool.from_function(search)
        made = agent(store, model, tools=[tool], others=[asking], checkpointer=InMemorySaver())
        ask(made, HumanMessage("q1"))
        if decision == "ask something else":
            model.says = [AIMessage("fine")]
            ask(made, HumanMessage("never mind"))
            expected = ["q1", "never mind", "fine"]
        else:
            edited = {"edited_action": {"name": "search", "args": {"query": "y"}}}
            more = {"edit": edited, "reject": {"message": "no"}}.get(decision, {})
            made.invoke(Command(resume={"decisions": [{"type": decision, **more}]}), THREAD)
            results = {"approve": "x", "edit": "y", "reject": "no"}
            expected = ["q1", "", results[decision], "done"]  # LangChain explains the result

        assert all(map(valid, model.seen))
        kept = store.get_messages("k")
        found = [message.content for message in to_langchain(kept)]
        assert len(found) == len(expected)
        assert all(map(str.endswith, found, expected))
        assert provider_violations(kept) == []

    @pytest.mark.parametrize("has_checkpointer", [False, True])
    @pytest.mark.parametrize("is_first", [False, True])
    def test_beside_langchains_own_summaries(self, store, has_checkpointer, is_first):
        def answer(messages):
            if messages[-1].type == "tool":
                return AIMessage(f"done {len(model.seen)}")
            return calling(f"call {len(model.seen)}")

        model = Model(says=[answer])
        summing = SummarizationMiddleware(
            Model(says=[AIMessage("summary")]), trigger=("messages", 6), keep=("messages", 3)
        )
        history = ChatHistoryMiddleware(store, token_limit=LIMIT, tokenizer_fn=str.split)
        made = create_agent(
            model,
            [StructuredTool.from_function(search)],
            middleware=[summing, history] if is_first else [history, summing],
            checkpointer=InMemorySaver() if has_checkpointer else None,
        )
        for number in range(6):
            ask(made, HumanMessage(f"q{number}"))

        assert all(map(valid, model.seen))
        kept = store.get_messages("k")
        assert provider_violations(kept) == []
        asked = [m.content for m in kept if str(m.content).startswith("q")]
        assert asked == [f"q{number}" for number in range(6)]
        assert len({message.id for message in kept}) == len(kept)

    @pytest.mark.parametrize("by", ["invoke", "ainvoke"])
    def test_what_is_kept_stays_where_other_middleware_changes_it_later(self, store, by):
        class Redacting(AgentMiddleware):
            """Replaces the state: the first message is changed, the last has another id."""

            def before_model(self, state, runtime):
                first, *rest, last = state["messages"]
                if last.type != "human":
                    return None
                changed = first.model_copy(update={"content": "[redacted]"})
                renamed = last.model_copy(update={"id": "new"})
                removed = RemoveMessage(id=REMOVE_ALL_MESSAGES)
                return {"messages": [removed, changed, *rest, renamed]}

        model = Model(says=[calling("1"), AIMessage("done")])
        tool = StructuredTool.from_function(search)
        made = create_agent(
            model,
            [tool],
            middleware=[
                ChatHistoryMiddleware(store, tokenizer_fn=str.split),
                Redacting(),
            ],
        )
        ask(made, HumanMessage("q"), AIMessage("a"), HumanMessage("secret"), by=by)

        assert "[redacted]" in [message.content for message in model.seen[-1]]
        kept = store.get_messages("k")
        assert kept[0].content == "q"
        assert kept[-1].content == "done"
        assert len({message.id for message in kept}) == len(kept)
        assert provider_violations(kept) == []

    def test_streamed_answers_are_kept_whole(self, store):
        class Streaming(Model):
            def _stream(self, messages, stop=None, run_manager=None, **options):
                self.seen.append(list(messages))
                for text in ("a ", "b ", "c"):
                    yield ChatGenerationChunk(message=AIMessageChunk(text, id="run-1"))

        model = Streaming(says=[AIMessage("")])
        made = agent(store, model)
        list(made.stream({"messages": [HumanMessage("q")]}, THREAD, stream_mode="messages"))
        [_, said] = to_langchain(store.get_messages("k"))

        assert said.content == "a b c"
        chunk = AIMessageChunk("x", tool_calls=[{"name": "t", "args": {}, "id": "1"}], id="c")
        history = ChatStoreMessageHistory(store, "chunks")
        history.add_messages([HumanMessage("q"), chunk, result("1"), AIMessageChunk("end")])
        assert history.messages[1] == chunk
        assert provider_violations(store.get_messages("chunks")) == []

    def test_concurrent_runs_keep_everything(self, store):
        def answer(messages):
            if messages[-1].type == "tool":
                return AIMessage("done")
            return calling(f"call {messages[-1].content}")

        errors = []

        def run(number):
            try:
                model = Model(says=[answer])
                made = agent(store, model, tools=[StructuredTool.from_function(search)])
                ask(made, HumanMessage(f"q{number}"))
                assert all(map(valid, model.seen))
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert errors == []
        kept = store.get_messages("k")
        assert len(kept) == 8 * 4
        assert provider_violations(kept) == []


class TestHistory:
    @pytest.mark.parametrize("by", ["assign", "replace", "areplace"])
    def test_replacing_is_one_write(self, store, by, monkeypatch):
        history = ChatStoreMessageHistory(store, "k")
        history.add_messages([HumanMessage(str(number)) for number in range(20)])
        shorter = [HumanMessage("summary"), *history.messages[-2:]]
        for forbidden in ("_append", "_delete"):
            monkeypatch.delattr(type(store), forbidden)
        if by == "assign":
            history.messages = shorter
        elif by == "replace":
            history.replace_messages(shorter)
        else:
            asyncio.run(history.areplace_messages(shorter))

        assert history.messages == shorter

    @pytest.mark.parametrize("other", [1, "sqlite://", None])
    def test_other_stores_are_refused(self, other):
        with pytest.raises(ValueError, match="store must be a chatstore"):
            ChatStoreMessageHistory(other, "k")
        with pytest.raises(ValueError, match="store must be a chatstore"):
            ChatHistoryMiddleware(other)

    def test_unknown_options_are_refused(self, store):
        for make in (ChatStoreMessageHistory, ChatHistoryMiddleware):
            with pytest.raises(TypeError, match="limitt"):
                make(store, "k", limitt=1)

    def test_session_is_required(self, store):
        with pytest.raises(TypeError, match="key"):
            ChatStoreMessageHistory(store)


@pytest.fixture(autouse=True)
def _strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error", TokenLimitWarning)
        yield
