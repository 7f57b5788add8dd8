"""Clients that write and remove at the same time, and processes that are killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from checkpoints import (
    NAMESPACE,
    THREAD,
    Stepper,
    items,
    new_checkpoint,
    put,
    step_of,
    values_of,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from chatstore.core import ChatStore, SimpleChatStore, open_store
from chatstore.langgraph import ChatStoreSaver
from chatstore.langgraph.packing import fields_of
from chatstore.langgraph.plans import Plan
from chatstore.langgraph.records import GENERATION_ID, Record, record_id
from chatstore.langgraph.retention import keep_newest, remove
from chatstore.langgraph.writing import NewCheckpoint, StepWriter
from chatstore.sqlite import SQLiteChatStore

WRITERS = 6


def together(work: Callable[[int], object]) -> list[Any]:
    """Call a function in several threads, which begin at the same moment."""
    barrier = Barrier(WRITERS)

    def begin(number: int) -> object:
        barrier.wait(60)
        return work(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(begin, range(WRITERS)))


def test_tasks_and_forks_at_the_same_time(each_store_url: str) -> None:
    with open_store(each_store_url) as store:
        savers = [ChatStoreSaver(store) for _ in range(WRITERS)]
        root = put(savers[0], THREAD, {"messages": items(4)}, 0)

        def write(number: int) -> None:
            task = f"task-{number // 2}"  # two clients run each task
            savers[number].put_writes(root, [("a", number // 2), ("b", 0)], task, f"~{number // 2}")

        together(write)
        result = savers[0].get_tuple(root)
        assert result is not None
        expected = [(f"task-{n}", *write) for n in range(3) for write in (("a", n), ("b", 0))]
        assert result.pending_writes == expected

        def fork(number: int) -> Any:
            config = root
            for step in range(1, 4):
                values = {"messages": items(4) + items(step, f" of branch {number // 2} ")}
                config = put(savers[number], config, values, step)
            return config

        for number, config in enumerate(together(fork)):
            values = values_of(ChatStoreSaver(store).get_tuple(config))
            assert values == {"messages": items(4) + items(3, f" of branch {number // 2} ")}
        assert len(list(savers[0].list(THREAD))) == 1 + 3 * WRITERS


def check_all(store: ChatStore) -> int:
    """Check the values of all checkpoints; return how many there are."""
    results = list(ChatStoreSaver(store).list(THREAD))
    for result in results:
        count = step_of(result) + 3
        assert result.checkpoint["channel_values"]["messages"] == items(count)
    return len(results)


def interleavings() -> Iterator[tuple[int, int, int]]:
    """Yield how many calls one plan makes, then another one, then the first one again."""
    return product(range(5), range(1, 5), range(8))


@pytest.mark.parametrize("is_known", [True, False], ids=["remembered", "read"])
@pytest.mark.parametrize("parent", [0, 2], ids=["removed parent", "newest parent"])
def test_checkpoints_are_put_while_others_are_removed(parent: int, is_known: bool) -> None:
    serde = JsonPlusSerializer()
    for counts in interleavings():
        for is_put_first in (True, False):
            store = SimpleChatStore()
            configs = [THREAD]
            for step in range(3):
                values = {"messages": items(step + 3)}
                configs.append(put(ChatStoreSaver(store), configs[-1], values, step))
            writer = StepWriter()
            parent_id = configs[parent + 1]["configurable"]["checkpoint_id"]
            if is_known:
                message = store.get_message(NAMESPACE.steps_key, record_id(parent_id))
                assert message is not None
                writer.remember(NAMESPACE, Record.from_message(message), serde)
            new = NewCheckpoint(
                new_checkpoint({"messages": items(6)}, 3),
                {"step": 3},
                parent_id,
                frozenset(["messages"]),
            )
            plans: list[Plan[Any]] = [
                writer.put(NAMESPACE, new, serde),
                remove(NAMESPACE, keep_newest(1, None), serde),
            ]
            first, second = plans if is_put_first else plans[::-1]
            interleave(store, first, second, counts)
            # The new checkpoint stays, and the newest of before if it was removed from first.
            assert check_all(store) in (1, 2)
            newest = ChatStoreSaver(store).get_tuple(THREAD)
            assert newest is not None
            assert step_of(newest) == 3
            put(ChatStoreSaver(store), newest.config, {"messages": items(7)}, 4)
            check_all(store)


def interleave(
    store: SimpleChatStore, first: Plan[Any], second: Plan[Any], counts: tuple[int, int, int]
) -> None:
    """Make some calls of one plan, of the other, and of the first again; then finish both."""
    outer, inner = Stepper(store, first), Stepper(store, second)
    for stepper, count in zip((outer, inner, outer), counts, strict=True):
        for _ in range(count):
            stepper.step()
    inner.finish()
    outer.finish()


@pytest.mark.parametrize("calls", range(6))
def test_two_clients_remove_while_a_third_puts(calls: int) -> None:
    serde = JsonPlusSerializer()
    for put_calls in range(6):
        store = SimpleChatStore()
        saver = ChatStoreSaver(store)
        config = THREAD
        for step in range(4):
            config = put(saver, config, {"messages": items(step + 3)}, step)
        first = Stepper(store, remove(NAMESPACE, keep_newest(3, None), serde))
        for _ in range(calls):
            first.step()
        Stepper(store, remove(NAMESPACE, keep_newest(1, None), serde)).finish()
        parent_id = config["configurable"]["checkpoint_id"]
        checkpoint = new_checkpoint({"messages": items(7)}, 4)
        new = NewCheckpoint(checkpoint, {"step": 4}, parent_id, frozenset(["messages"]))
        writer = StepWriter()
        message = store.get_message(NAMESPACE.steps_key, record_id(parent_id))
        assert message is not None
        record = replace(Record.from_message(message), generation=generation_of(store))
        writer.remember(NAMESPACE, record, serde)
        third = Stepper(store, writer.put(NAMESPACE, new, serde))
        for _ in range(put_calls):
            third.step()
        first.finish()
        third.finish()
        assert check_all(store) == 2


def generation_of(store: ChatStore) -> str:
    """Return the name of the current generation."""
    message = store.get_message(NAMESPACE.steps_key, GENERATION_ID)
    assert message is not None
    return str(fields_of(message)["generation"])


class KilledStore(SQLiteChatStore):
    """Kills the process before one of its calls."""

    calls_left = 0

    def run(self, operation: str, build: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Count the calls."""
        self.calls_left -= 1
        if self.calls_left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(operation, build, *args, **kwargs)


def test_a_kill_between_any_two_requests(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    for count in range(14):
        child = os.fork()
        if child == 0:
            store = KilledStore(path)
            store.calls_left = count
            add_steps(store)
            os.kill(os.getpid(), signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        with SQLiteChatStore(path) as survivor:
            check_all(survivor)
            add_steps(survivor)
            assert check_all(survivor) >= 2


def add_steps(store: ChatStore) -> None:
    """Continue the thread by two steps, as a new process would."""
    saver = ChatStoreSaver(store)
    result = saver.get_tuple(THREAD)
    config = result.config if result else THREAD
    step = step_of(result) + 1 if result else 0
    for number in (step, step + 1):
        config = put(saver, config, {"messages": items(number + 3)}, number)
        saver.put_writes(config, [("messages", number)], "task")
