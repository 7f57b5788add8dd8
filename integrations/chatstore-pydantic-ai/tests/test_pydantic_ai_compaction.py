"""A history with ``summarize`` loads a summary instead of older turns, which stay stored."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from chatstore.core import ChatStore, InvalidArgumentError, SimpleChatStore
from chatstore.core.memory.summaries import INTRODUCTION, is_summary
from chatstore.pydantic_ai import HistoryWindow, MessageHistory

TURNS = 20
QUESTIONS = [f"question {number}" for number in range(TURNS)]


def summarize(messages: list[ModelMessage]) -> ModelResponse:
    assert all(isinstance(message, (ModelRequest, ModelResponse)) for message in messages)
    return ModelResponse(parts=[TextPart(f"{len(messages)} messages")])


async def async_summarize(messages: list[ModelMessage]) -> str:
    await asyncio.sleep(0)
    return f"{len(messages)} messages"


def history_over(store: ChatStore, **kwargs: Any) -> MessageHistory:
    options: dict[str, Any] = {"summarize": summarize, "compact_above": 100, **kwargs}
    return MessageHistory(store, "k", tokenizer_fn=str.split, **options)


def prompts(messages: list[ModelMessage]) -> list[Any]:
    """Return what the user wrote."""
    parts = [part for message in messages for part in message.parts]
    return [part.content for part in parts if part.part_kind == "user-prompt"]


def converse(history: MessageHistory, *, is_async: bool, window: Any = ()) -> list[list[Any]]:
    """Run turns and return the prompts of each request."""
    seen: list[list[Any]] = []

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        seen.append(prompts(messages))
        return ModelResponse(parts=[TextPart("an answer")])

    async def run() -> None:
        agent = Agent(FunctionModel(answer), capabilities=list(window))
        for question in QUESTIONS:
            loaded = await history.async_load() if is_async else history.load()
            result = await agent.run(question, message_history=loaded)
            history.save(result.new_messages())

    asyncio.run(run())
    return seen


@pytest.mark.parametrize(
    ("function", "is_async"), [(summarize, False), (summarize, True), (async_summarize, True)]
)
def test_runs_read_a_summary(function: Any, is_async: bool) -> None:
    store = SimpleChatStore()

    seen = converse(history_over(store, summarize=function), is_async=is_async)

    assert str(seen[-1][0]).startswith(f"{INTRODUCTION}\n")
    behind = seen[-1][1:]
    assert 1 < len(behind) < TURNS
    assert behind == QUESTIONS[-len(behind) :]


def test_a_history_without_a_function_loads_all_but_summaries() -> None:
    store = SimpleChatStore()
    converse(history_over(store), is_async=False)
    plain = MessageHistory(store, "k")

    assert prompts(plain.load()) == QUESTIONS
    assert plain.load() == asyncio.run(plain.async_load())
    assert len([one for one in store.get_messages("k") if is_summary(one)]) > 1


@pytest.mark.filterwarnings("ignore::chatstore.core.TokenLimitWarning")
def test_a_window_keeps_the_summary() -> None:
    window = HistoryWindow(100, tokenizer_fn=str.split)

    seen = converse(history_over(SimpleChatStore()), is_async=False, window=[window])

    assert str(seen[-1][0]).startswith(f"{INTRODUCTION}\n")
    assert seen[-1][-1] == QUESTIONS[-1]


def test_a_long_run_keeps_the_summary() -> None:
    store = SimpleChatStore()
    converse(history_over(store), is_async=False)
    loaded = history_over(store).load()
    first = ModelRequest.user_text_prompt("a long question")
    long_run: list[ModelMessage] = [
        first,
        *(ModelResponse(parts=[TextPart("word " * 5)]) for _ in range(30)),
    ]
    summary_and_run: list[ModelMessage] = [loaded[0], *long_run]

    sent = asyncio.run(HistoryWindow(100, tokenizer_fn=str.split).select(summary_and_run))

    assert sent[:2] == summary_and_run[:2]
    assert 2 < len(sent) < len(summary_and_run)


def test_wrong_arguments() -> None:
    store = SimpleChatStore()
    with pytest.raises(InvalidArgumentError, match="compact_above"):
        MessageHistory(store, "k", compact_above=5)
    with pytest.raises(InvalidArgumentError, match="compact_above"):
        history_over(store, compact_above=-1)
    with pytest.raises(InvalidArgumentError, match="async"):
        converse(history_over(store, summarize=async_summarize), is_async=False)
