"""Promises that only several processes can break; for databases that processes share.

The processes receive the function that opens a store by pickle, so it must be importable.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from typing import Any

from chatstore.core import ChatMessage, ChatStore, MessageRole
from chatstore.core.testing.harness import ContractHarness

Opener = Callable[[], ChatStore]
_CONTEXT = multiprocessing.get_context("spawn")
_WRITERS = 6
_EACH = 20
_BATCH = 400  # messages; writing them takes long enough to be killed in between
_PATIENCE = 60.0  # seconds after which a process that hangs fails the test


def _messages(name: str, count: int, size: int = 10) -> list[ChatMessage]:
    text = "x" * size
    return [
        ChatMessage(role=MessageRole.USER, content=f"{name}:{number}:{text}")
        for number in range(count)
    ]


def _append_each(opener: Opener, key: str, name: str) -> None:
    with opener() as store:
        for message in _messages(name, _EACH):
            store.add_message(key, message)


def _write_forever(opener: Opener, key: str, method: str) -> None:
    with opener() as store:
        for number in range(10_000):
            getattr(store, method)(key, _messages(str(number), _BATCH, size=2000))


def _started(target: Any, *args: Any) -> SpawnProcess:
    process = _CONTEXT.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def _finished(processes: list[SpawnProcess]) -> list[int | None]:
    for process in processes:
        process.join(_PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


class ProcessContract:
    """Tests that start processes."""

    def test_processes_that_start_at_once_lose_nothing(self, harness: ContractHarness) -> None:
        """The first of them creates the tables; every message arrives, in its writer's order."""
        writers = [f"w{number}" for number in range(_WRITERS)]
        codes = _finished([_started(_append_each, harness.opener(), "k", name) for name in writers])

        assert codes == [0] * _WRITERS
        with harness.open() as store:
            stored = [str(message.content) for message in store.get_messages("k")]
        assert len(stored) == _WRITERS * _EACH
        for name in writers:
            mine = [text for text in stored if text.startswith(f"{name}:")]
            assert mine == [str(message.content) for message in _messages(name, _EACH)]

    def test_killed_writer_leaves_whole_calls(self, harness: ContractHarness) -> None:
        """A process killed in the middle of large writes leaves the state before or after."""
        for method in ("add_messages", "set_messages"):
            for attempt in range(3):
                key = f"{method}/{attempt}"
                victim = _started(_write_forever, harness.opener(), key, method)
                with harness.open() as store:
                    _wait_for_first_write(store, key, victim)
                    time.sleep(0.01 * (attempt + 1))  # into the middle of some later write
                    os.kill(victim.pid or 0, signal.SIGKILL)
                    victim.join(_PATIENCE)
                    _wait_for_last_write(store, key)
                    _check_whole_calls(store, key, method)


def _wait_for_first_write(store: Any, key: str, victim: SpawnProcess) -> None:
    deadline = time.monotonic() + _PATIENCE
    while store.count_messages(key) == 0:
        assert victim.is_alive(), "the writing process ended on its own"
        assert time.monotonic() < deadline, "the writing process wrote nothing"
        time.sleep(0.005)


def _wait_for_last_write(store: Any, key: str) -> None:
    """Wait until the server has carried out or rolled back the last request of the dead process."""
    seen = -1
    while seen != (seen := store.count_messages(key)):
        time.sleep(0.3)


def _check_whole_calls(store: Any, key: str, method: str) -> None:
    numbers = [int(str(m.content).partition(":")[0]) for m in store.get_messages(key)]
    assert len(numbers) == store.count_messages(key)
    assert len(numbers) % _BATCH == 0
    calls = numbers[::_BATCH]
    assert numbers == [number for number in calls for _ in range(_BATCH)]
    if method == "add_messages":
        assert calls == list(range(len(calls)))
    else:
        assert len(calls) == 1
    store.add_message(key, _messages("after", 1)[0])
    assert store.count_messages(key) == len(numbers) + 1
