"""Appends that wait for each other are combined, and each keeps its own outcome."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pytest

from chatstore.core import (
    ChatStore,
    ChatStoreError,
    DriverError,
    MessageConflictError,
    StoreUnavailableError,
)
from chatstore.core.backend import (
    Append,
    CallCancelledError,
    Existing,
    Plan,
    WrapperBackend,
    async_run,
    run,
)
from chatstore.core.simple import MemoryBackend
from chatstore.core.testing.messages import contents, message

T = TypeVar("T")
WAIT = 60.0


class GatedBackend(WrapperBackend[Any]):
    """Appends wait at a gate while it is closed; the appends are recorded."""

    def __init__(self) -> None:
        super().__init__(MemoryBackend())
        self.max_combined_records = 5
        self.appends: list[list[str]] = []
        self.gate = threading.Event()
        self.arrived = threading.Event()
        self.closes_again = False
        self.fail: Callable[[], Exception] | None = None
        self.fails_after = 0  # appends

    def run(self, plan: Plan[Any, T]) -> T:
        return run(plan, self.wait)

    async def async_run(self, plan: Plan[Any, T]) -> T:
        return await async_run(plan, self.async_wait)

    def wait(self) -> None:
        assert self.gate.wait(WAIT)

    async def async_wait(self) -> None:
        while not self.gate.is_set():  # noqa: ASYNC110 - threads open it, too
            await asyncio.sleep(0.001)
        if self.closes_again:
            self.gate.clear()

    def append(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        self.appends.append([record.id for record in write.records])
        self.arrived.set()
        yield lambda wait: wait()
        if self.fail is not None and len(self.appends) > self.fails_after:
            raise self.fail()
        memory: Any = self.inner
        existing: list[Existing] = memory.run(memory.append(key, write))
        return existing

    def translate(self, error: Exception) -> ChatStoreError | None:
        return StoreUnavailableError("down") if isinstance(error, OSError) else None

    def read_newest(self, key: str, read: Any) -> Plan[Any, Any]:
        yield from ()
        memory: Any = self.inner
        return memory.run(memory.read_newest(key, read))


class Callers:
    """Calls a store while an append of the id ``first`` is at the closed gate."""

    def __init__(self) -> None:
        self.backend = GatedBackend()
        self.store = ChatStore(self.backend)

    @property
    def stored(self) -> list[str | None]:
        self.backend.gate.set()
        return [one.id for one in self.store.get_messages("k")]

    def run(self, *ids: Sequence[str], content: str = "x") -> list[Future[None]]:
        """Add messages from a thread for each list of ids; open the gate when all of them wait."""
        with ThreadPoolExecutor(len(ids) + 1) as threads:
            first = threads.submit(self.store.add_message, "k", message("x", id="first"))
            assert self.backend.arrived.wait(WAIT)
            others = []
            for number, batch in enumerate(ids, 1):
                messages = [message(content, id=one) for one in batch]
                others.append(threads.submit(self.store.add_messages, "k", messages))
                wait_until(partial(self.are_waiting, number))
            self.backend.gate.set()
        return [first, *others]

    async def tasks(self, *ids: Sequence[str], content: str = "x") -> list[asyncio.Task[None]]:
        """Like `run`, with tasks; the gate stays closed."""
        first = asyncio.create_task(self.store.async_add_message("k", message("x", id="first")))
        others = [
            asyncio.create_task(
                self.store.async_add_messages("k", [message(content, id=one) for one in batch])
            )
            for batch in ids
        ]
        await asyncio.sleep(0)
        assert self.waiting() == len(ids)
        return [first, *others]

    def waiting(self) -> int:
        """Return how many callers wait for others."""
        queue: Any = self.store._appends
        return sum(map(len, queue._waiting.values()))

    def are_waiting(self, number: int) -> bool:
        return self.waiting() == number

    def check_idle(self) -> None:
        queue: Any = self.store._appends
        assert queue._waiting == {}


@pytest.fixture
def callers() -> Any:
    callers = Callers()
    yield callers
    callers.check_idle()


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(WAIT * 1000)):
        if condition():
            return
        pause.wait(0.001)
    raise AssertionError


def outcomes(calls: Sequence[Any]) -> list[str]:
    errors = [call.exception() for call in calls]
    return ["done" if error is None else type(error).__name__ for error in errors]


BATCHES = [["a"], ["b", "c"], ["d", "e"], ["f"]]
WRITES = [["first"], ["a", "b", "c", "d", "e"], ["f"]]


def test_threads_that_wait_are_combined_in_their_order(callers: Callers) -> None:
    calls = callers.run(*BATCHES)

    assert outcomes(calls) == ["done"] * 5
    assert callers.backend.appends == WRITES
    assert callers.stored == ["first", "a", "b", "c", "d", "e", "f"]


def test_tasks_that_wait_are_combined_in_their_order(callers: Callers) -> None:
    async def scenario() -> None:
        calls = await callers.tasks(*BATCHES)
        callers.backend.gate.set()
        await asyncio.gather(*calls)

    asyncio.run(scenario())
    assert callers.backend.appends == WRITES
    assert callers.stored == ["first", "a", "b", "c", "d", "e", "f"]


def test_nobody_waits_for_another_conversation_or_another_kind_of_write(callers: Callers) -> None:
    async def scenario() -> None:
        [first] = await callers.tasks()
        store = callers.store
        writes = [
            store.async_add_message("other", message("x")),
            store.async_add_message("k", message("y"), expected_revision="r"),
        ]
        others = [asyncio.create_task(write) for write in writes]
        await asyncio.sleep(0)
        assert len(callers.backend.appends) == 3
        callers.backend.gate.set()
        await first
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run(scenario())


def test_a_sync_call_does_not_wait_for_a_task_of_its_own_loop(callers: Callers) -> None:
    async def scenario() -> None:
        [first] = await callers.tasks()
        timer = threading.Timer(0.01, callers.backend.gate.set)
        timer.start()
        callers.store.add_message("k", message("x", id="sync"))  # blocks the loop until then
        await first

    asyncio.run(scenario())
    assert callers.backend.appends == [["first"], ["sync"]]


def test_a_conflict_is_only_the_error_of_its_own_call(callers: Callers) -> None:
    calls = callers.run(["a"], ["first"], ["b"], content="other")

    assert outcomes(calls) == ["done", "done", "MessageConflictError", "done"]
    assert callers.stored == ["first", "a", "b"]


def test_two_calls_with_one_id_are_not_combined(callers: Callers) -> None:
    calls = callers.run(["a"], ["a", "b"], ["c"])

    assert outcomes(calls) == ["done"] * 4
    assert callers.stored == ["first", "a", "b", "c"]


def unavailable() -> StoreUnavailableError:
    error = StoreUnavailableError("down")
    error.__cause__ = OSError()
    return error


@pytest.mark.parametrize("fail", [OSError, unavailable])
def test_each_call_gets_an_error_of_its_own(
    callers: Callers, fail: Callable[[], Exception]
) -> None:
    async def scenario() -> list[asyncio.Task[None]]:
        calls = await callers.tasks(["a"], ["b"])
        callers.backend.fail = fail
        callers.backend.gate.set()
        await asyncio.wait(calls)
        return calls

    calls = asyncio.run(scenario())
    assert outcomes(calls) == ["StoreUnavailableError"] * 3
    assert len({id(call.exception()) for call in calls}) == 3
    operations = [getattr(call.exception(), "operation", None) for call in calls]
    assert operations == ["add_message", "add_messages", "add_messages"]
    causes = [getattr(call.exception(), "__cause__", None) for call in calls]
    assert all(isinstance(cause, DriverError) for cause in causes)


@pytest.mark.parametrize(
    ("fails_after", "stored"),
    [(1, ["first", "b"]), (2, ["first", "b"]), (3, ["first", "a", "b"])],
)
def test_cancelling_the_call_that_writes_is_no_error_of_the_others(
    callers: Callers, fails_after: int, stored: list[str]
) -> None:
    """Its write of all fails, or that of one of them alone, since one of the ids exists."""
    backend = callers.backend

    def fail() -> Exception:
        backend.fail = None
        return CallCancelledError()

    async def scenario() -> list[asyncio.Task[None]]:
        calls = await callers.tasks(["a"], ["first"], ["b"])
        backend.fail, backend.fails_after = fail, fails_after
        backend.gate.set()
        await asyncio.wait(calls)
        return calls

    calls = asyncio.run(scenario())
    assert outcomes(calls) == ["done", "ChatStoreError", "done", "done"]
    assert callers.stored == stored


def test_calls_without_messages_write_nothing(callers: Callers) -> None:
    assert outcomes(callers.run()) == ["done"]
    callers.store.add_messages("other", [])
    assert callers.backend.appends == [["first"]]


def test_a_waiting_call_that_is_cancelled_is_not_written(callers: Callers) -> None:
    async def scenario() -> list[asyncio.Task[None]]:
        calls = await callers.tasks(["a"], ["b"])
        calls[1].cancel()
        await asyncio.wait(calls[1:2])
        callers.backend.gate.set()
        await asyncio.wait(calls)
        return calls

    calls = asyncio.run(scenario())
    assert [call.cancelled() for call in calls] == [False, True, False]
    assert callers.stored == ["first", "b"]


def test_the_others_write_if_the_one_that_writes_is_cancelled(callers: Callers) -> None:
    async def scenario() -> list[asyncio.Task[None]]:
        calls = await callers.tasks(["a"], ["b"], ["c"])
        calls[0].cancel()
        await asyncio.wait(calls[:1])
        await asyncio.sleep(0)
        assert callers.backend.appends[-1] == ["a", "b", "c"]
        calls[1].cancel()
        await asyncio.wait(calls[1:2])
        callers.backend.gate.set()
        await asyncio.gather(*calls[2:])
        return calls

    calls = asyncio.run(scenario())
    assert [call.cancelled() for call in calls] == [True, True, False, False]
    assert callers.stored == ["b", "c"]


def test_a_call_whose_message_is_being_written_ends_after_the_write(callers: Callers) -> None:
    async def scenario() -> list[asyncio.Task[None]]:
        calls = await callers.tasks(["a"], ["b"])
        callers.backend.closes_again = True
        callers.backend.gate.set()
        await calls[0]
        await asyncio.sleep(0)
        assert callers.backend.appends[-1] == ["a", "b"]
        for _ in range(3):
            calls[2].cancel()
            await asyncio.sleep(0)
        assert not calls[2].done()
        callers.backend.gate.set()
        await asyncio.wait(calls)
        return calls

    calls = asyncio.run(scenario())
    assert [call.cancelled() for call in calls] == [False, False, True]
    assert callers.stored == ["first", "a", "b"]


def test_loops_and_conversations_are_forgotten(callers: Callers) -> None:
    """Also if a loop ends while calls are written or wait."""
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def scenario(number: int) -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        calls = [
            asyncio.ensure_future(callers.store.async_add_message(f"k{number}", message(text)))
            for text in ("first", "waits", "waits, too")
        ]
        await asyncio.sleep(0)
        if number % 2:
            callers.backend.gate.set()
            await asyncio.wait(calls)

    for number in range(6):
        callers.backend.gate.clear()
        asyncio.run(scenario(number))
        callers.check_idle()
    gc.collect()
    assert [loop() for loop in loops] == [None] * 6


def test_a_signal_in_the_thread_that_writes_leaves_nobody_waiting(callers: Callers) -> None:
    class SignalError(Exception):
        pass

    def handle(*_: object) -> None:
        raise SignalError

    writer = threading.get_ident()
    previous = signal.signal(signal.SIGUSR1, handle)
    try:
        with ThreadPoolExecutor(1) as threads:

            def follow() -> None:
                assert callers.backend.arrived.wait(WAIT)
                other = threading.Thread(
                    target=callers.store.add_message, args=("k", message("x", id="a"))
                )
                other.start()
                wait_until(lambda: callers.waiting() == 1)
                signal.pthread_kill(writer, signal.SIGUSR1)  # another one would not wake it
                wait_until(lambda: callers.backend.appends[-1] == ["a"])
                callers.backend.gate.set()
                other.join(WAIT)

            following = threads.submit(follow)
            with pytest.raises((SignalError, ChatStoreError)):
                callers.store.add_message("k", message("x", id="first"))
            following.result(WAIT)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert callers.stored == ["a"]


def test_conflict_within_what_was_combined(callers: Callers) -> None:
    callers.backend.gate.set()
    callers.store.add_message("k", message("old", id="b"))
    callers.backend.gate.clear()
    callers.backend.arrived.clear()
    calls = callers.run(["a"], ["b"], ["c", "d"])

    assert outcomes(calls) == ["done", "done", MessageConflictError.__name__, "done"]
    assert callers.stored == ["b", "first", "a", "c", "d"]
    assert contents(callers.store.get_messages("k"))[0] == "old"


def test_an_append_leaves_nothing_for_the_garbage_collector() -> None:
    """Otherwise the texts of appends would stay in memory for a while."""
    backend = GatedBackend()
    backend.gate.set()
    store = ChatStore(backend)
    store.add_message("k", message("first"))
    gc.collect()
    gc.disable()
    try:
        store.add_message("k", message("second"))
        assert gc.collect() == 0
    finally:
        gc.enable()
