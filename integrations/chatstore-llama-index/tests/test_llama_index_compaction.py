"""`BufferMemory` summarizes older turns."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

from chatstore.core import InvalidArgumentError, SimpleChatStore
from chatstore.core.memory.summaries import INTRODUCTION
from chatstore.llama_index import BufferMemory, to_messages

TURNS = [
    ChatMessage(role="assistant" if number % 2 else "user", content=f"message {number}")
    for number in range(20)
]


def words(text: str) -> list[str]:
    return text.split()


def summarize(messages: list[ChatMessage]) -> ChatMessage:
    assert all(isinstance(message, ChatMessage) for message in messages)
    return ChatMessage(role="assistant", content=f"{len(messages)} messages")


async def async_summarize(messages: list[ChatMessage]) -> str:
    await asyncio.sleep(0)
    return f"{len(messages)} messages"


def memory_over(**kwargs: Any) -> BufferMemory:
    store = SimpleChatStore()
    store.add_messages("k", to_messages(TURNS))
    return BufferMemory.from_defaults(
        chat_store=store, chat_store_key="k", token_limit=60, tokenizer_fn=words, **kwargs
    )


def check(memory: BufferMemory, window: list[ChatMessage]) -> None:
    assert window[0].role.value == "user"
    assert window[0].content == f"{INTRODUCTION}\n{20 - len(window) + 1} messages"
    assert [one.content for one in window[1:]] == [one.content for one in TURNS[1 - len(window) :]]
    assert [one.content for one in memory.get_all()] == [one.content for one in TURNS]


def test_get_compacts() -> None:
    memory = memory_over(summarize=summarize)

    window = memory.get()

    check(memory, window)
    assert [one.content for one in memory.get()] == [one.content for one in window]


@pytest.mark.parametrize("function", [summarize, async_summarize])
def test_aget_compacts(function: Any) -> None:
    memory = memory_over(summarize=function)

    check(memory, asyncio.run(memory.aget()))


def test_the_bound_can_be_chosen() -> None:
    assert len(memory_over(summarize=summarize, compact_above=1000).get_all()) == 20
    unchanged = memory_over(summarize=summarize, compact_above=1000).get()
    assert not str(unchanged[0].content).startswith(INTRODUCTION)


def test_a_restored_memory_has_the_summary() -> None:
    memory = memory_over(summarize=summarize)
    window = memory.get()

    restored = BufferMemory.from_dict(memory.to_dict(), tokenizer_fn=words)
    check(restored, restored.get())
    copied = pickle.loads(pickle.dumps(memory))
    assert [one.content for one in copied.get()] == [one.content for one in window]


def test_wrong_arguments() -> None:
    with pytest.raises(InvalidArgumentError, match="compact_above"):
        memory_over(compact_above=5)
    with pytest.raises(InvalidArgumentError, match="compact_above"):
        memory_over(summarize=summarize, compact_above=-1)
    with pytest.raises(InvalidArgumentError, match="summarize"):
        memory_over(summarize="short")
    with pytest.raises(InvalidArgumentError, match="async"):
        memory_over(summarize=async_summarize).get()
