"""A session with ``summarize`` returns a summary instead of older turns, which stay stored."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
from agents import Agent, Runner
from agents.testing import ScriptedModel, assistant_message

from chatstore.core import ChatStore, InvalidArgumentError, SimpleChatStore
from chatstore.core.memory.summaries import INTRODUCTION, is_summary
from chatstore.openai_agents import ChatStoreSession

TURNS = 20
QUESTIONS = [f"question {number}" for number in range(TURNS)]


def summarize(items: list[Any]) -> str:
    assert all(isinstance(item, dict) for item in items)
    return f"{len(items)} items"


async def async_summarize(items: list[Any]) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"role": "assistant", "content": summarize(items)}


def session_over(store: ChatStore, **kwargs: Any) -> ChatStoreSession:
    options: dict[str, Any] = {"summarize": summarize, "compact_above": 100, **kwargs}
    return ChatStoreSession("s", store, tokenizer_fn=str.split, **options)


async def converse(session: Any) -> None:
    """Run turns."""
    for turn, question in enumerate(QUESTIONS):
        model = ScriptedModel([[assistant_message(f"answer {turn}", item_id=f"m{turn}")]])
        agent = Agent(name="a", model=model)
        await Runner.run(agent, question, session=session)


def contents(items: list[Any]) -> list[Any]:
    return [item["content"] for item in items if item["role"] == "user"]


@pytest.mark.parametrize("function", [summarize, async_summarize])
def test_runs_read_a_summary(function: Any) -> None:
    store = SimpleChatStore()

    asyncio.run(converse(session_over(store, summarize=function)))

    items = asyncio.run(session_over(store).get_items())
    first: Any = items[0]
    assert first["role"] == "user"
    assert first["content"].startswith(f"{INTRODUCTION}\n")
    behind = contents(items)[1:]
    assert 0 < len(behind) < TURNS
    assert behind == QUESTIONS[-len(behind) :]
    assert asyncio.run(session_over(store).get_items(2)) == items[-2:]


def test_a_session_without_a_function_returns_all_items_but_summaries() -> None:
    store = SimpleChatStore()
    asyncio.run(converse(session_over(store)))
    plain = ChatStoreSession("s", store)

    items = asyncio.run(plain.get_items())

    assert contents(items) == QUESTIONS
    assert len([one for one in store.get_messages("s") if is_summary(one)]) > 1
    assert asyncio.run(plain.get_items(2 * TURNS)) == items


def test_popping_removes_summaries() -> None:
    store = SimpleChatStore()
    asyncio.run(converse(session_over(store)))
    session = session_over(store)
    popped: list[Any] = []

    while (item := asyncio.run(session.pop_item())) is not None:
        popped.append(item)

    assert contents(popped) == QUESTIONS[::-1]
    assert store.get_messages("s") == []


def test_copies_summarize_too() -> None:
    store = SimpleChatStore()
    asyncio.run(converse(ChatStoreSession("s", store)))
    session = session_over(store)

    for copied in (copy.copy(session), pickle.loads(pickle.dumps(session))):
        assert len(asyncio.run(copied.get_items())) < 2 * TURNS


def test_wrong_arguments() -> None:
    store = SimpleChatStore()
    with pytest.raises(InvalidArgumentError, match="compact_above"):
        ChatStoreSession("s", store, compact_above=5)
    with pytest.raises(InvalidArgumentError, match="compact_above"):
        ChatStoreSession.from_url("s", "memory://", summarize=summarize, compact_above=-1)
