"""Promises that only several processes can break; for backends that processes share.

What opens a store is handed to them by pickle, so it must be importable there.
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
_LARGE = 400
_PATIENCE = 60.0  # seconds until a process that hangs fails the test


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


def _write_for_ever(opener: Opener, key: str, method: str) -> None:
    with opener() as store:
        for number in range(10_000):
            getattr(store, method)(key, _messages(str(number), _LARGE, size=2000))


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
    """Tests with processes of their own."""

    def test_processes_that_start_at_once_lose_nothing(self, harness: ContractHarness) -> None:
        """The first of them make the tables; every message arrives, in its writer's order."""
        writers = [f"w{number}" for number in range(_WRITERS)]
        codes = _finished([_started(_append_each, harness.opener(), "k", name) for name in writers])

        assert codes == [0] * _WRITERS
        with harness.open() as store:
            said = [str(message.content) for message in store.get_messages("k")]
        assert len(said) == _WRITERS * _EACH
        for name in writers:
            mine = [text for text in said if text.startswith(f"{name}:")]
            assert mine == [str(message.content) for message in _messages(name, _EACH)]

    def test_killed_writer_leaves_whole_calls(self, harness: ContractHarness) -> None:
        """A process killed in the middle of large writes leaves the state before or after."""
        for method in ("add_messages", "set_messages"):
            for attempt in range(3):
                key = f"{method}/{attempt}"
                victim = _started(_write_for_ever, harness.opener(), key, method)
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
        assert victim.is_alive(), "the writing process ended by itself"
        assert time.monotonic() < deadline, "the writing process wrote nothing"
        time.sleep(0.005)


def _wait_for_last_write(store: Any, key: str) -> None:
    """Wait until a server has finished, or given up, what the dead process sent last."""
    seen = -1
    while seen != (seen := store.count_messages(key)):
        time.sleep(0.3)


def _check_whole_calls(store: Any, key: str, method: str) -> None:
    numbers = [int(str(m.content).partition(":")[0]) for m in store.get_messages(key)]
    assert len(numbers) == store.count_messages(key)
    assert len(numbers) % _LARGE == 0
    calls = numbers[::_LARGE]
    assert numbers == [number for number in calls for _ in range(_LARGE)]
    if method == "add_messages":
        assert calls == list(range(len(calls)))
    else:
        assert len(calls) == 1
    store.add_message(key, _messages("after", 1)[0])
    assert store.count_messages(key) == len(numbers) + 1
