"""The middleware saves each message once, even if a run fails, and sends what fits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, hook_config
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver

from chatstore.core import ChatStore, InvalidArgumentError, SimpleChatStore, open_store
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.langchain import ChatHistoryMiddleware, to_langchain

THREAD = {"configurable": {"thread_id": "k"}}


class Model(BaseChatModel):
    """Calls its tool twice at once for each question, then repeats the results."""

    seen: list[Any]

    @property
    def _llm_type(self) -> Any:
        return "test"

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any
    ) -> Any:
        self.seen.append([message.content for message in messages])
        if messages[-1].type == "tool":
            answer = AIMessage(" and ".join(message.content for message in messages[-2:]))
        else:
            word = messages[-1].content
            calls = [
                {"name": "look", "args": {"word": word, "place": place}, "id": f"{word}-{place}"}
                for place in (1, 2)
            ]
            answer = AIMessage("", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=answer)])


def look(word: str, place: int) -> str:
    """Look for a word."""
    if word == "fail":
        raise RuntimeError(word)
    return f"{word} at {place}"


def agent(
    store: ChatStore, model: Any, *others: Any, checkpointer: Any = None, **options: Any
) -> Any:
    options = {"tokenizer_fn": str.split, **options}
    middleware = [ChatHistoryMiddleware(store, **options), *others]
    return create_agent(model, [look], middleware=middleware, checkpointer=checkpointer)


def ask(runner: Any, question: str, *, thread: Any = THREAD, by: str = "invoke") -> Any:
    inputs = {"messages": [HumanMessage(question)]}
    if by == "ainvoke":
        return asyncio.run(runner.ainvoke(inputs, thread))
    return runner.invoke(inputs, thread)


def turn(question: str) -> Any:
    results = [f"{question} at {place}" for place in (1, 2)]
    return [question, "", *results, " and ".join(results)]


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    with open_store(store_url) as opened:
        yield opened


@pytest.mark.parametrize("by", ["invoke", "ainvoke"])
@pytest.mark.parametrize("has_checkpointer", [False, True])
def test_every_message_is_kept_and_seen_once(
    store: ChatStore, by: str, has_checkpointer: bool
) -> None:
    model = Model(seen=[])
    checkpointer = InMemorySaver() if has_checkpointer else None
    runner = agent(store, model, checkpointer=checkpointer)
    before: list[Any] = []
    for question in ("q1", "q2", "q3"):
        result = ask(runner, question, by=by)
        assert model.seen == [[*before, question], [*before, *turn(question)[:-1]]]
        model.seen.clear()
        before += turn(question)
        saved = to_langchain(store.get_messages("k"))
        assert [message.content for message in saved] == before
        assert saved[-len(result["messages"]) :] == result["messages"]
        assert "chatstore_last_saved" not in result
    assert provider_violations(store.get_messages("k")) == []


def test_another_process_goes_on() -> None:
    store = SimpleChatStore()
    for question in ("q1", "q2"):
        model = Model(seen=[])
        ask(agent(store, model), question)
    assert model.seen[0] == [*turn("q1"), "q2"]


def test_the_model_is_sent_what_fits() -> None:
    store, model = SimpleChatStore(), Model(seen=[])
    for number in range(5):
        ask(agent(store, model, token_limit=110), f"q{number}")

    assert model.seen[-1] == turn("q4")[:-1]
    assert store.count_messages("k") == 25


def test_a_run_that_fails_leaves_whole_rounds() -> None:
    store, model = SimpleChatStore(), Model(seen=[])
    runner = agent(store, model)
    ask(runner, "q1")
    with pytest.raises(RuntimeError):
        ask(runner, "fail")

    messages = store.get_messages("k")
    assert [message.content for message in to_langchain(messages)] == [*turn("q1"), "fail"]
    assert provider_violations(messages) == []
    model.seen.clear()
    ask(runner, "q2")
    assert model.seen[0] == [*turn("q1"), "fail", "q2"]


def test_other_middleware_is_respected() -> None:
    class Shouting(AgentMiddleware):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            *before, last = request.messages
            if last.type != "human":
                return handler(request)
            loud = last.model_copy(update={"content": last.content.upper()})
            return handler(request.override(messages=[*before, HumanMessage("hint"), loud]))

    store, model = SimpleChatStore(), Model(seen=[])
    ask(agent(store, model), "q1")
    model.seen.clear()
    middleware: list[Any] = [Shouting(), ChatHistoryMiddleware(store, tokenizer_fn=str.split)]
    runner = create_agent(
        model,
        [look],
        middleware=middleware,
    )
    ask(runner, "q2")

    assert model.seen[0] == [*turn("q1"), "hint", "Q2"]
    assert store.get_messages("k")[5].content == "q2"


def test_keys() -> None:
    store, model = SimpleChatStore(), Model(seen=[])
    ask(agent(store, model, key="fixed"), "q1")
    ask(agent(store, model, key=lambda runtime: "made"), "q1")
    ask(agent(store, model), "q1")
    assert sorted(store.get_keys()) == ["fixed", "k", "made"]

    with pytest.raises(InvalidArgumentError, match="thread_id"):
        ask(agent(store, model), "q1", thread={})


@pytest.mark.parametrize("options", [{"token_limit": 0}, {"key": ""}])
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        ChatHistoryMiddleware(SimpleChatStore(), **options)


class Again(AgentMiddleware):
    """Jumps to the end when the model calls a tool for a certain question."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question

    @hook_config(can_jump_to=["end"])
    def after_model(self, state: Any, runtime: Any) -> Any:
        inputs = [message.content for message in state["messages"] if message.type == "human"]
        if inputs[-1] == self.question and state["messages"][-1].tool_calls:
            return {"jump_to": "end"}
        return None


def test_calls_that_nobody_answered_are_not_kept() -> None:
    store, model = SimpleChatStore(), Model(seen=[])
    runner = agent(store, model, Again("q1"))
    ask(runner, "q1")
    assert [message.content for message in store.get_messages("k")] == ["q1"]
    model.seen.clear()
    ask(runner, "q2")

    assert model.seen[0] == ["q1", "q2"]
    assert provider_violations(store.get_messages("k")) == []


def test_a_tool_that_failed_beside_a_checkpointer_leaves_a_valid_conversation() -> None:
    store, model = SimpleChatStore(), Model(seen=[])
    runner = agent(store, model, checkpointer=InMemorySaver())
    ask(runner, "q1")
    with pytest.raises(RuntimeError):
        ask(runner, "fail")
    ask(runner, "q2")

    messages = store.get_messages("k")
    assert provider_violations(messages) == []
    answer = [message.content for message in to_langchain(messages)]
    assert answer == [*turn("q1"), "fail", *turn("q2")]


def test_two_stores_each_keep_everything() -> None:
    class Second(ChatHistoryMiddleware):
        """A second middleware, for another store."""

    one, other, model = SimpleChatStore(), SimpleChatStore(), Model(seen=[])
    runner = agent(one, model, Second(other, tokenizer_fn=str.split))
    ask(runner, "q1")
    ask(runner, "q2")

    assert one.get_messages("k") == other.get_messages("k")
    assert one.count_messages("k") == 10
