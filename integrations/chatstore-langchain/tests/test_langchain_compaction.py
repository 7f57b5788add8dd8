"""The middleware summarizes older turns, and sends the summary instead of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents_langchain import Model, agent, ask, calling, search, valid
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver

from chatstore.core import InvalidArgumentError, SimpleChatStore
from chatstore.core.memory.summaries import INTRODUCTION, is_summary
from chatstore.langchain import ChatHistoryMiddleware, ChatStoreMessageHistory


def summarize(messages: list[BaseMessage]) -> AIMessage:
    assert all(isinstance(message, BaseMessage) for message in messages)
    return AIMessage(f"{len(messages)} messages")


async def async_summarize(messages: list[BaseMessage]) -> str:
    await asyncio.sleep(0)
    return f"{len(messages)} messages"


@pytest.mark.parametrize("has_checkpointer", [False, True])
@pytest.mark.parametrize(
    ("by", "function"),
    [("invoke", summarize), ("ainvoke", summarize), ("ainvoke", async_summarize)],
)
def test_a_summary_is_sent_instead_of_older_turns(
    by: str, function: Any, has_checkpointer: bool
) -> None:
    model = Model(outputs=[AIMessage("an answer")])
    checkpointer = InMemorySaver() if has_checkpointer else None
    store = SimpleChatStore()
    runner = agent(
        store, model, checkpointer=checkpointer, summarize=function, token_limit=100, system="rule"
    )
    questions = [f"question {number}" for number in range(30)]

    for question in questions:
        ask(runner, HumanMessage(question), by=by)

    history = ChatStoreMessageHistory(store, "k")
    assert [one.content for one in history.messages[::2]] == questions
    assert len(history.messages) == 60
    assert len([one for one in store.get_messages("k") if is_summary(one)]) > 1
    sent = model.seen[-1]
    assert [one.content for one in sent[:1]] == ["rule"]
    assert isinstance(sent[1], HumanMessage)
    assert str(sent[1].content).startswith(f"{INTRODUCTION}\n")
    assert sent[-1].content == questions[-1]
    summaries = [one for one in sent if str(one.content).startswith(INTRODUCTION)]
    assert len(summaries) == 1
    behind = [one.content for one in sent[2:]]
    assert behind == [one.content for one in history.messages[:-1]][-len(behind) :]
    assert all(valid(messages) for messages in model.seen)


def test_a_run_with_tools() -> None:
    outputs = [calling(f"c{number}") for number in range(20)]
    model = Model(outputs=[AIMessage("an answer"), *outputs, AIMessage("the end")])
    store = SimpleChatStore()
    runner = agent(store, model, tools=[search], summarize=summarize, token_limit=150)
    ask(runner, HumanMessage("old " * 40))

    ask(runner, HumanMessage("new"))

    assert all(valid(messages) for messages in model.seen)
    sent = [one.content for one in model.seen[-1]]
    assert sent[:2] == [f"{INTRODUCTION}\n2 messages", "new"]


def test_instructions_of_a_run_precede_the_summary() -> None:
    model = Model(outputs=[AIMessage("an answer")])
    runner = agent(
        SimpleChatStore(),
        model,
        checkpointer=InMemorySaver(),
        summarize=summarize,
        token_limit=60,
    )
    ask(runner, SystemMessage("rule"), HumanMessage("question"))
    for _ in range(10):
        ask(runner, HumanMessage("question"))

    assert model.seen[-1][0].content == "rule"
    assert model.seen[-1][1].content.startswith(INTRODUCTION)


def test_wrong_arguments() -> None:
    store = SimpleChatStore()
    with pytest.raises(InvalidArgumentError, match="compact_above"):
        ChatHistoryMiddleware(store, compact_above=5)
    with pytest.raises(InvalidArgumentError, match="compact_above"):
        ChatHistoryMiddleware(store, summarize=summarize, compact_above=-1)
