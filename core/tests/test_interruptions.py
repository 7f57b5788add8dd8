"""Interrupted calls end where they must, and the workload of owners notices wrong lists."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from chatstore.core import ChatStore, SimpleChatStore, operations
from chatstore.core.backend import Plan, call
from chatstore.core.simple import Conversations, MemoryBackend
from chatstore.core.testing.broken.base import CorrectBackend
from chatstore.core.testing.broken.conversations import IndexesAfterwards, ListsFormerConversations
from chatstore.core.testing.interruptions import InterruptionError, LosesReplies, interrupting
from chatstore.core.testing.messages import contents, message
from chatstore.core.testing.owner_workload import OWNERS, check_lists, work


def _three(seen: list[int]) -> Plan[Conversations, int]:
    for _ in range(3):
        yield from call(lambda _: seen.append(len(seen)))
    return len(seen)


@pytest.mark.parametrize("requests", range(5))
def test_a_plan_ends_after_its_requests(requests: int) -> None:
    seen: list[int] = []
    plan = interrupting(_three, requests)(seen)
    if requests > len([0, 1, 2]):
        assert MemoryBackend().run(plan) == 3
    else:
        with pytest.raises(InterruptionError, match=f"after {requests} requests"):
            MemoryBackend().run(plan)
    assert seen == [0, 1, 2][:requests]


def test_lost_replies_are_of_calls_that_took_effect() -> None:
    inner = MemoryBackend()
    store = ChatStore(LosesReplies(inner, 1.0, seed=1))
    with pytest.raises(InterruptionError, match="add_message"):
        store.add_message("k", message("a"))
    with pytest.raises(InterruptionError):
        asyncio.run(store.async_add_message("k", message("b")))
    assert contents(ChatStore(inner).get_messages("k")) == ["a", "b"]
    ChatStore(LosesReplies(inner, 0.0, seed=1)).add_message("k", message("c"))
    assert ChatStore(inner).count_messages("k") == 3


def test_the_workload_accepts_a_correct_store() -> None:
    store = SimpleChatStore()
    work(lambda: ChatStore(store.backend), 1, calls=300, share=0.1)
    assert check_lists(store) > 0


def test_the_workload_notices_a_conversation_too_many() -> None:
    store = ChatStore(ListsFormerConversations(CorrectBackend()))
    store.create_conversation("k", owner=OWNERS[0])
    store.update_conversation("k", owner=OWNERS[1])
    with pytest.raises(AssertionError, match=OWNERS[0]):
        check_lists(store)


def test_the_workload_notices_a_missing_conversation() -> None:
    backend = IndexesAfterwards(CorrectBackend())
    store = ChatStore(backend)
    create = partial(operations.create_conversation, key="k", owner=OWNERS[0])
    with pytest.raises(InterruptionError):
        backend.run(interrupting(create, 1)(backend))
    with pytest.raises(AssertionError, match=OWNERS[0]):
        check_lists(store)
