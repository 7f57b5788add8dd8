"""What is removed, what stays because others need it, and what expires."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from checkpoints import LONG, NAMESPACE, THREAD, Stepper, items, put, step_of, values_of
from langgraph.channels.delta import DeltaChannel
from langgraph.graph import START, StateGraph

from chatstore.core import (
    ConversationChangedError,
    ConversationExistsError,
    SimpleChatStore,
    open_store,
)
from chatstore.langgraph import ChatStoreSaver
from chatstore.langgraph.copying import copy_thread


def steps_of(saver: ChatStoreSaver, config: Any = THREAD) -> list[int]:
    """Return the steps of a thread's checkpoints, newest first; all of them can be read."""
    return [step_of(result) for result in saver.list(config)]


def chain(saver: ChatStoreSaver, count: int, config: Any = THREAD) -> list[Any]:
    """Put checkpoints, one behind the other, whose list grows."""
    configs = []
    for step in range(count):
        config = put(saver, config, {"messages": items(step + 2)}, step, run_id=f"run-{step // 2}")
        configs.append(config)
    return configs


def test_runs_remove_old_checkpoints() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store, keep=3)
    configs = chain(saver, 49)
    assert len(steps_of(saver)) == 49
    config = put(saver, configs[-1], {"messages": ["new", LONG]}, 49)
    assert steps_of(saver) == [49, 48, 47]
    put(saver, config, {"messages": ["new", LONG, "more"]}, 50)
    assert steps_of(saver) == [50, 49, 48, 47]


def test_age() -> None:
    store = SimpleChatStore()
    chain(ChatStoreSaver(store), 4)
    saver = ChatStoreSaver(store, max_age=timedelta(days=1))
    saver.clean()
    assert steps_of(saver) == [3, 2, 1, 0]
    saver = ChatStoreSaver(store, max_age=timedelta(microseconds=1))
    saver.clean(["another thread"])
    assert steps_of(saver) == [3, 2, 1, 0]
    saver.clean()
    assert steps_of(saver) == [3]
    ChatStoreSaver(store).clean()  # without limits, nothing is removed
    assert steps_of(saver) == [3]


def test_chunks_of_other_branches_stay_and_all_others_are_freed() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    configs = chain(saver, 6)
    fork = put(saver, configs[2], {"messages": [*items(4), "fork", LONG]}, 9, run_id="fork")
    saver.put_writes(fork, [("messages", "pending")], "task")
    saver.delete_for_runs(["run-0", "run-1", "run-2"])
    result = saver.get_tuple(THREAD)
    assert values_of(result) == {"messages": [*items(4), "fork", LONG]}
    assert result is not None
    assert result.pending_writes == [("task", "messages", "pending")]
    assert result.parent_config == configs[2]
    assert saver.get_tuple(configs[2]) is None
    assert store.count_messages(NAMESPACE.chunks_key) == 4  # 2, 3 and 4 items, and the fork's

    saver.prune(["t"], strategy="delete")
    assert store.get_keys() == []


def test_a_list_goes_on_after_the_checkpoint_before_was_removed() -> None:
    saver = ChatStoreSaver(SimpleChatStore())
    configs = chain(saver, 6)
    put(saver, configs[-1], {"messages": ["new", LONG]}, 6, run_id="last")
    results = saver.list(THREAD)
    assert step_of(next(results)) == 6
    saver.delete_for_runs(["last"])
    assert [step_of(result) for result in results] == [5, 4, 3, 2, 1, 0]


def test_a_list_of_removed_checkpoints_is_an_error() -> None:
    saver = ChatStoreSaver(SimpleChatStore())
    config = THREAD
    for step in range(3):
        config = put(saver, config, {"messages": items(3, f" of step {step} ")}, step)
    results = saver.list(THREAD)
    assert step_of(next(results)) == 2
    saver.prune(["t"])
    with pytest.raises(ConversationChangedError, match="read them again"):
        next(results)


def add(before: list[str], writes: Sequence[list[str]]) -> list[str]:
    """Reduce the writes of a delta channel."""
    return [*before, *(item for write in writes for item in write)]


class State(TypedDict):
    """A state with a delta channel and one that is stored as a whole."""

    delta: Annotated[list[str], DeltaChannel(add, snapshot_frequency=5)]
    whole: Annotated[list[str], operator.add]


@pytest.mark.parametrize("turns", [2, 9])
def test_what_delta_channels_are_rebuilt_from_stays(turns: int) -> None:
    store = SimpleChatStore()
    builder = StateGraph(State)
    builder.add_node("node", lambda state: {"delta": ["answer"], "whole": [LONG]})
    builder.add_edge(START, "node")

    def run(turn: int) -> None:
        graph = builder.compile(checkpointer=ChatStoreSaver(store, keep=1))
        config: Any = {**THREAD, "metadata": {"run_id": f"run-{turn}"}}
        graph.invoke({"delta": [f"{turn}"], "whole": []}, config)

    def delta() -> list[str]:
        state = builder.compile(checkpointer=ChatStoreSaver(store)).get_state(THREAD)
        value: list[str] = state.values["delta"]
        return value

    expected: list[str] = []
    for turn in range(turns):
        run(turn)
        expected += [f"{turn}", "answer"]
        assert delta() == expected
    saver = ChatStoreSaver(store, keep=1)
    before = len(list(saver.list(THREAD)))
    removals: list[Callable[[], None]] = [
        saver.clean,
        lambda: saver.prune(["t"]),
        lambda: saver.delete_for_runs([f"run-{turn}" for turn in range(turns - 1)]),
    ]
    for remove in removals:
        remove()
        assert delta() == expected
        # In the first two turns, there was no snapshot.
        is_shorter = len(list(saver.list(THREAD))) < before
        assert is_shorter == (turns == 9)
    saver.copy_thread("t", "copy")
    saver.delete_thread("t")
    copied = builder.compile(checkpointer=saver).get_state({"configurable": {"thread_id": "copy"}})
    assert copied.values["delta"] == expected


def test_copies_are_independent() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    configs = chain(saver, 3)
    saver.copy_thread("t", "copy")
    copy: Any = {"configurable": {"thread_id": "copy", "checkpoint_ns": ""}}
    put(saver, configs[-1], {"messages": items(9)}, 3)
    assert steps_of(saver, copy) == [2, 1, 0]
    with pytest.raises(ConversationExistsError):
        saver.copy_thread("t", "copy")
    saver.delete_thread("t")
    saver.delete_thread("t")
    assert [values_of(one)["messages"] for one in saver.list(None)] == [
        items(4),
        items(3),
        items(2),
    ]


def test_a_copy_of_a_thread_that_is_pruned_can_be_made_again() -> None:
    store = SimpleChatStore()
    saver = ChatStoreSaver(store)
    config = chain(saver, 3)[-1]
    put(saver, config, {"messages": items(9)}, 3, run_id="last")
    copy = Stepper(store, copy_thread("langgraph", "t", "copy"))
    for _ in range(5):  # all calls but the one that copies checkpoints
        copy.step()
    saver.delete_for_runs(["last"])
    with pytest.raises(ConversationChangedError, match="delete the new thread"):
        copy.finish()
    saver.delete_thread("copy")
    saver.copy_thread("t", "copy")
    assert steps_of(saver, {"configurable": {"thread_id": "copy"}}) == [2, 1, 0]


def test_a_thread_expires_as_a_whole(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    with open_store(url, ttl=3600) as store:
        config = chain(ChatStoreSaver(store), 2)[-1]
        keys = [NAMESPACE.thread_key, NAMESPACE.chunks_key]

        def revisions() -> list[str]:
            conversations = [store.get_conversation(key) for key in keys]
            return [conversation.revision for conversation in conversations if conversation]

        before = revisions()
        saver = ChatStoreSaver(store)
        for step in (2, 3):  # neither has new chunks
            config = put(saver, config, {"other": step}, step)
            after = revisions()
            assert len(after) == 2
            assert all(new != old for new, old in zip(after, before, strict=True)) == (step == 2)
            before = after
        config = put(saver, config, {"messages": items(2)}, 4)
        store.delete_messages(NAMESPACE.chunks_key)  # as when they expire
        assert saver.get_tuple(config) is None
        assert list(saver.list(THREAD)) == []
        config = put(saver, config, {}, 4)
        history = saver.get_delta_channel_history(config=config, channels=["messages"])
        assert history == {"messages": {"writes": []}}
        store.delete_messages(NAMESPACE.thread_key)
        saver = ChatStoreSaver(store)
        put(saver, THREAD, {"messages": items(2)}, 5)
        store.delete_messages(NAMESPACE.thread_key)
        put(ChatStoreSaver(store), config, {"messages": items(9)}, 6)
        assert [step_of(result) for result in saver.list(None, limit=1)] == [6]
