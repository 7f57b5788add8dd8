"""``RunnableWithMessageHistory`` continues a conversation in a store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory

from chatstore.core import ChatStore, InvalidKeyError, SimpleChatStore, open_store
from chatstore.langchain import ChatStoreMessageHistory

pytestmark = pytest.mark.filterwarnings("ignore:.*RunnableWithMessageHistory")


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    with open_store(store_url) as opened:
        yield opened


def runnable(store: ChatStore, seen: Any) -> Any:
    def answer(messages: Any) -> Any:
        seen.append([message.content for message in messages])
        return AIMessage(f"said {messages[-1].content}")

    return RunnableWithMessageHistory(
        RunnableLambda(answer), lambda session_id: ChatStoreMessageHistory(store, session_id)
    )


def test_goes_on(store: ChatStore) -> None:
    seen: list[Any] = []
    session: Any = {"configurable": {"session_id": "k"}}
    for question in ("one", "two"):
        runnable(store, seen).invoke([HumanMessage(question)], session)
    asyncio.run(runnable(store, seen).ainvoke([HumanMessage("three")], session))

    before = ["one", "said one"]
    assert seen == [["one"], [*before, "two"], [*before, "two", "said two", "three"]]
    assert store.count_messages("k") == 6


@pytest.mark.parametrize("by", ["invoke", "ainvoke"])
def test_concurrent_runs_of_one_session_lose_nothing(store: ChatStore, by: str) -> None:
    # Without keys, LangChain finds a run's input by the number of messages in the history.
    together = threading.Barrier(4)
    started = []
    all_started = asyncio.Event()

    def answer(inputs: Any) -> Any:
        together.wait()
        return AIMessage(f"said {inputs['question']}")

    async def async_answer(inputs: Any) -> Any:
        started.append(inputs)
        if len(started) == 4:
            all_started.set()
        await all_started.wait()
        return AIMessage(f"said {inputs['question']}")

    runner = RunnableWithMessageHistory(
        RunnableLambda(answer, async_answer),
        lambda session_id: ChatStoreMessageHistory(store, session_id),
        input_messages_key="question",
        history_messages_key="history",
    )
    session: Any = {"configurable": {"session_id": "k"}}

    def run(number: int) -> None:
        runner.invoke({"question": f"q{number}"}, session)

    async def run_all() -> None:
        await asyncio.gather(*(runner.ainvoke({"question": f"q{n}"}, session) for n in range(4)))

    if by == "ainvoke":
        asyncio.run(run_all())
    else:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    contents = [message.content for message in store.get_messages("k")]
    pairs = list(zip(contents[::2], contents[1::2], strict=True))
    assert sorted(pairs) == [(f"q{n}", f"said q{n}") for n in range(4)]


def test_every_method(store: ChatStore) -> None:
    history = ChatStoreMessageHistory(store, "k")
    history.add_user_message("a")
    history.add_ai_message("b")
    asyncio.run(history.aadd_messages([HumanMessage("c", id="7")]))
    history.add_messages([HumanMessage("c", id="7")])

    expected = [HumanMessage("a"), AIMessage("b"), HumanMessage("c", id="7")]
    assert history.messages == asyncio.run(history.aget_messages()) == expected
    assert "Human: a" in str(history)
    history.clear()
    assert history.messages == []
    history.add_message(AIMessage("d"))
    asyncio.run(history.aclear())
    assert store.get_keys() == []


def test_key_is_checked() -> None:
    with pytest.raises(InvalidKeyError):
        ChatStoreMessageHistory(SimpleChatStore(), "")
