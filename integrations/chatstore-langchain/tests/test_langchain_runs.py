"""Runs of agents with the middleware, and histories: repeated, interrupted, at once."""

from __future__ import annotations

import asyncio
import threading
import warnings

import pytest
from agents_langchain import (
    LIMIT,
    THREAD,
    Model,
    agent,
    ask,
    calling,
    result,
    search,
    valid,
)
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    HumanInTheLoopMiddleware,
    SummarizationMiddleware,
)
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    RemoveMessage,
)
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command

from chatstore.core import TokenLimitWarning, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.langchain import (
    ChatHistoryMiddleware,
    ChatStoreMessageHistory,
    to_langchain,
)


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

    def test_what_is_empty_answer_is_kept_and_not_sent(self, store):
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
