"""Tests with several processes, for databases that processes share.

Each process receives the function that opens a store by pickle, so it must be importable.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from typing import Any

from chatstore.core import ChatMessage, ChatStore
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message
from chatstore.core.testing.owner_workload import check_lists, work

Opener = Callable[[], ChatStore]
_CONTEXT = multiprocessing.get_context("spawn")
_WRITERS = 6
_APPENDS = 20  # by each writer
_CALLS_OF_OWNERS = 15  # by each writer
_BATCH = 400  # messages; the writer is killed while it writes them
_PATIENCE = 60.0  # seconds after which a process that hangs fails the test


def _messages(name: str, count: int, size: int = 10) -> list[ChatMessage]:
    return [message(f"{name}:{number}:{'x' * size}") for number in range(count)]


def _append_each(opener: Opener, key: str, name: str) -> None:
    with opener() as store:
        for item in _messages(name, _APPENDS):
            store.add_message(key, item)


def _write_forever(opener: Opener, key: str, method: str) -> None:
    with opener() as store:
        for number in range(10_000):
            getattr(store, method)(key, _messages(str(number), _BATCH, size=2000))


def _start(target: Any, *args: Any, **kwargs: Any) -> SpawnProcess:
    process = _CONTEXT.Process(target=target, args=args, kwargs=kwargs, daemon=True)
    process.start()
    return process


def _wait_for(processes: list[SpawnProcess]) -> list[int | None]:
    """Return the exit codes; kill processes that hang."""
    for process in processes:
        process.join(_PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


class ProcessContract:
    """Tests that start processes."""

    def test_processes_that_start_at_once_lose_nothing(self, harness: ContractHarness) -> None:
        """One process creates the tables; all messages are stored in the order of each writer."""
        writers = [f"w{number}" for number in range(_WRITERS)]
        codes = _wait_for([_start(_append_each, harness.opener(), "k", name) for name in writers])

        assert codes == [0] * _WRITERS
        with harness.open() as store:
            stored = contents(store.get_messages("k"))
        assert len(stored) == _WRITERS * _APPENDS
        for name in writers:
            mine = [text for text in stored if text.startswith(f"{name}:")]
            assert mine == contents(_messages(name, _APPENDS))

    def test_owners_lists_equal_what_exists(self, harness: ContractHarness) -> None:
        """While processes create, re-own and delete conversations, a tenth of replies is lost."""
        with harness.open() as store:
            store.count_messages("k")  # the tables exist
            options = {"calls": _CALLS_OF_OWNERS, "share": 0.1}
            processes = [
                _start(work, harness.opener(), number, **options) for number in range(_WRITERS)
            ]
            assert _wait_for(processes) == [0] * _WRITERS
            assert check_lists(store) > 0

    def test_killed_writer_leaves_whole_calls(self, harness: ContractHarness) -> None:
        """A process killed in the middle of large writes leaves the state before or after."""
        for method in ("add_messages", "set_messages"):
            for attempt in range(3):
                key = f"{method}/{attempt}"
                victim = _start(_write_forever, harness.opener(), key, method)
                with harness.open() as store:
                    _wait_for_first_write(store, key, victim)
                    time.sleep(0.01 * (attempt + 1))  # into the middle of a later write
                    victim.kill()
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
    """Wait until the server has completed or rolled back the killed process's last request."""
    before, count = -1, store.count_messages(key)
    while count != before:
        time.sleep(0.3)
        before, count = count, store.count_messages(key)


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
    store.add_message(key, message("after"))
    assert store.count_messages(key) == len(numbers) + 1
