"""Agents with the middleware, and histories: repeated, interrupted and concurrent runs."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Iterator
from typing import Any

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

from chatstore.core import ChatStore, TokenLimitWarning, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.langchain import (
    ChatHistoryMiddleware,
    ChatStoreMessageHistory,
    to_langchain,
)


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    with open_store(store_url) as opened:
        yield opened


class TestRuns:
    @pytest.mark.parametrize("has_checkpointer", [False, True])
    @pytest.mark.parametrize("by", ["invoke", "ainvoke"])
    def test_after_any_broken_run_the_model_is_sent_what_it_accepts(
        self, store: ChatStore, has_checkpointer: bool, by: str
    ) -> None:
        def failing(query: str) -> str:
            """Fail."""
            raise RuntimeError(query)

        model = Model(outputs=[calling("1", "2", name="failing"), AIMessage("fine")])
        tool = StructuredTool.from_function(failing, name="failing")
        runner = agent(
            store, model, tools=[tool], checkpointer=InMemorySaver() if has_checkpointer else None
        )
        with pytest.raises(RuntimeError):
            ask(runner, HumanMessage("q1"), by=by)
        ask(runner, HumanMessage("q2"), by=by)
        model.outputs = [RuntimeError("down")]
        with pytest.raises(RuntimeError):
            ask(runner, HumanMessage("q3"), by=by)
        model.outputs = [AIMessage("fine")]
        ask(runner, HumanMessage("q4"), by=by)

        assert all(map(valid, model.seen))
        assert [m.content for m in model.seen[-1]] == ["q1", "q2", "fine", "q3", "q4"]
        assert provider_violations(store.get_messages("k")) == []

    def test_empty_answers_are_saved_and_not_sent(self, store: ChatStore) -> None:
        model = Model(outputs=[AIMessage(""), AIMessage("a")])
        runner = agent(store, model)
        ask(runner, HumanMessage("q1"))
        ask(runner, HumanMessage("q2"))

        assert [m.content for m in model.seen[-1]] == ["q1", "q2"]
        assert store.count_messages("k") == 4

    @pytest.mark.parametrize("ids", [("a", "a"), (None, None), (None, "a")])
    def test_repeated_and_missing_ids_stay_in_the_conversation(
        self, store: ChatStore, ids: Any
    ) -> None:
        calls = calling(*ids)
        answers = [result(call["id"] or "", name="search") for call in calls.tool_calls]
        model = Model(outputs=[AIMessage("done")])
        runner = agent(store, model)
        ask(runner, HumanMessage("q1"), calls, *answers)
        ask(runner, HumanMessage("q2"))

        assert [m.type for m in model.seen[-1]] == ["human", "ai", "tool", "tool", "ai", "human"]
        assert store.count_messages("k") == 7

    def test_replayed_messages_are_kept_once(self, store: ChatStore) -> None:
        model = Model(outputs=[AIMessage("a")])
        runner = agent(store, model)
        first = ask(runner, HumanMessage("q1", id="1"))["messages"]
        ask(runner, *first, HumanMessage("q2", id="2"))
        history = ChatStoreMessageHistory(store, "k")
        history.add_messages(history.messages)

        assert [m.content for m in history.messages] == ["q1", "a", "q2", "a"]

    def test_messages_removed_from_a_state_stay_in_the_store(self, store: ChatStore) -> None:
        class Trimming(AgentMiddleware):
            def before_model(self, state: Any, runtime: Any) -> Any:
                return {"messages": [RemoveMessage(id=m.id) for m in state["messages"][:-1]]}

        model = Model(outputs=[AIMessage("a")])
        runner = agent(store, model, others=[Trimming()], checkpointer=InMemorySaver())
        for number in range(3):
            ask(runner, HumanMessage(f"q{number}"))

        assert [m.content for m in model.seen[-1]] == ["q0", "a", "q1", "a", "q2"]
        assert store.count_messages("k") == 6

    @pytest.mark.parametrize("decision", ["approve", "edit", "reject", "ask something else"])
    def test_a_run_that_waits_for_a_person(self, store: ChatStore, decision: str) -> None:
        def answer(messages: Any) -> Any:
            return AIMessage("done") if messages[-1].type == "tool" else calling("1")

        model = Model(outputs=[answer])
        asking = HumanInTheLoopMiddleware(interrupt_on={"search": True})
        tool = StructuredTool.from_function(search)
        runner = agent(store, model, tools=[tool], others=[asking], checkpointer=InMemorySaver())
        ask(runner, HumanMessage("q1"))
        if decision == "ask something else":
            model.outputs = [AIMessage("fine")]
            ask(runner, HumanMessage("never mind"))
            expected = ["q1", "never mind", "fine"]
        else:
            edited = {"edited_action": {"name": "search", "args": {"query": "y"}}}
            details: dict[str, Any] = {"edit": edited, "reject": {"message": "no"}}
            runner.invoke(
                Command(resume={"decisions": [{"type": decision, **details.get(decision, {})}]}),
                THREAD,
            )
            results = {"approve": "x", "edit": "y", "reject": "no"}
            expected = ["q1", "", results[decision], "done"]  # LangChain adds text to the result

        assert all(map(valid, model.seen))
        saved = store.get_messages("k")
        contents = [message.content for message in to_langchain(saved)]
        assert len(contents) == len(expected)
        assert all(str(text).endswith(end) for text, end in zip(contents, expected, strict=True))
        assert provider_violations(saved) == []

    @pytest.mark.parametrize("has_checkpointer", [False, True])
    @pytest.mark.parametrize("is_first", [False, True])
    def test_beside_langchains_own_summaries(
        self, store: ChatStore, has_checkpointer: bool, is_first: bool
    ) -> None:
        def answer(messages: Any) -> Any:
            if messages[-1].type == "tool":
                return AIMessage(f"done {len(model.seen)}")
            return calling(f"call {len(model.seen)}")

        model = Model(outputs=[answer])
        summing = SummarizationMiddleware(
            Model(outputs=[AIMessage("summary")]), trigger=("messages", 6), keep=("messages", 3)
        )
        history = ChatHistoryMiddleware(store, token_limit=LIMIT, tokenizer_fn=str.split)
        middleware: list[Any] = [summing, history] if is_first else [history, summing]
        runner = create_agent(
            model,
            [StructuredTool.from_function(search)],
            middleware=middleware,
            checkpointer=InMemorySaver() if has_checkpointer else None,
        )
        for number in range(6):
            ask(runner, HumanMessage(f"q{number}"))

        assert all(map(valid, model.seen))
        saved = store.get_messages("k")
        assert provider_violations(saved) == []
        questions = [m.content for m in saved if str(m.content).startswith("q")]
        assert questions == [f"q{number}" for number in range(6)]
        assert len({message.id for message in saved}) == len(saved)

    @pytest.mark.parametrize("by", ["invoke", "ainvoke"])
    def test_what_is_kept_stays_where_other_middleware_changes_it_later(
        self, store: ChatStore, by: str
    ) -> None:
        class Redacting(AgentMiddleware):
            """Replaces the state: the first message is changed, the last has another id."""

            def before_model(self, state: Any, runtime: Any) -> Any:
                first, *rest, last = state["messages"]
                if last.type != "human":
                    return None
                changed = first.model_copy(update={"content": "[redacted]"})
                renamed = last.model_copy(update={"id": "new"})
                removed = RemoveMessage(id=REMOVE_ALL_MESSAGES)
                return {"messages": [removed, changed, *rest, renamed]}

        model = Model(outputs=[calling("1"), AIMessage("done")])
        tool = StructuredTool.from_function(search)
        middleware: list[Any] = [
            ChatHistoryMiddleware(store, tokenizer_fn=str.split),
            Redacting(),
        ]
        runner = create_agent(
            model,
            [tool],
            middleware=middleware,
        )
        ask(runner, HumanMessage("q"), AIMessage("a"), HumanMessage("secret"), by=by)

        assert "[redacted]" in [message.content for message in model.seen[-1]]
        saved = store.get_messages("k")
        assert saved[0].content == "q"
        assert saved[-1].content == "done"
        assert len({message.id for message in saved}) == len(saved)
        assert provider_violations(saved) == []

    def test_streamed_answers_are_kept_whole(self, store: ChatStore) -> None:
        class Streaming(Model):
            def _stream(
                self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any
            ) -> Iterator[Any]:
                self.seen.append(list(messages))
                for text in ("a ", "b ", "c"):
                    yield ChatGenerationChunk(message=AIMessageChunk(content=text, id="run-1"))

        model = Streaming(outputs=[AIMessage("")])
        runner = agent(store, model)
        list(runner.stream({"messages": [HumanMessage("q")]}, THREAD, stream_mode="messages"))
        [_, streamed] = to_langchain(store.get_messages("k"))

        assert streamed.content == "a b c"
        chunk = AIMessageChunk(
            content="x",
            tool_calls=[{"name": "t", "args": {}, "id": "1", "type": "tool_call"}],
            id="c",
        )
        history = ChatStoreMessageHistory(store, "chunks")
        history.add_messages([HumanMessage("q"), chunk, result("1"), AIMessageChunk(content="end")])
        assert history.messages[1] == chunk
        assert provider_violations(store.get_messages("chunks")) == []

    def test_concurrent_runs_keep_everything(self, store: ChatStore) -> None:
        def answer(messages: Any) -> Any:
            if messages[-1].type == "tool":
                return AIMessage("done")
            return calling(f"call {messages[-1].content}")

        errors = []

        def run(number: int) -> None:
            try:
                model = Model(outputs=[answer])
                runner = agent(store, model, tools=[StructuredTool.from_function(search)])
                ask(runner, HumanMessage(f"q{number}"))
                assert all(map(valid, model.seen))
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert errors == []
        saved = store.get_messages("k")
        assert len(saved) == 8 * 4
        assert provider_violations(saved) == []


class TestHistory:
    @pytest.mark.parametrize("by", ["assign", "replace", "areplace"])
    def test_replacing_is_one_write(
        self, store: ChatStore, by: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        history = ChatStoreMessageHistory(store, "k")
        history.add_messages([HumanMessage(str(number)) for number in range(20)])
        shorter = [HumanMessage("summary"), *history.messages[-2:]]
        for forbidden in ("append", "delete"):
            monkeypatch.setattr(store.backend, forbidden, None)
        if by == "assign":
            history.messages = shorter
        elif by == "replace":
            history.replace_messages(shorter)
        else:
            asyncio.run(history.areplace_messages(shorter))

        assert history.messages == shorter

    @pytest.mark.parametrize("other", [1, "sqlite://", None])
    def test_other_stores_are_refused(self, other: Any) -> None:
        with pytest.raises(ValueError, match="store must be a chatstore"):
            ChatStoreMessageHistory(other, "k")
        with pytest.raises(ValueError, match="store must be a chatstore"):
            ChatHistoryMiddleware(other)

    def test_unknown_options_are_refused(self, store: ChatStore) -> None:
        classes: list[Any] = [ChatStoreMessageHistory, ChatHistoryMiddleware]
        for make in classes:
            with pytest.raises(TypeError, match="limitt"):
                make(store, "k", limitt=1)

    def test_session_is_required(self, store: ChatStore) -> None:
        wrong: Any = ChatStoreMessageHistory
        with pytest.raises(TypeError, match="key"):
            wrong(store)


@pytest.fixture(autouse=True)
def _strict() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TokenLimitWarning)
        yield
