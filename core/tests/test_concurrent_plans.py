"""Plans that are carried out at the same time, sync and async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from chatstore.core.backend import (
    ObservedCall,
    Plan,
    Retryable,
    RetryPolicy,
    async_run,
    call,
    concurrently,
    current_call,
    retry,
    run,
    slow_down,
)

WAIT = 60.0
LANES = 8


class Meeting:
    """Lets a number of plans wait for each other, on threads or on tasks.

    Attributes:
        most: The most plans that were there at the same time.

    """

    def __init__(self, size: int) -> None:
        self.most = 0
        self._size = size
        self._present = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(size)
        self._is_complete = asyncio.Event()

    def attend(self) -> None:
        with self._lock:
            self._present += 1
            self.most = max(self.most, self._present)
        self._barrier.wait(WAIT)
        with self._lock:
            self._present -= 1

    async def async_attend(self) -> None:
        self._present += 1
        self.most = max(self.most, self._present)
        if self._present == self._size:
            self._is_complete.set()
        await asyncio.wait_for(self._is_complete.wait(), WAIT)


def sync_mode(plan: Plan[Any, Any]) -> Any:
    return run(plan, None)


def async_mode(plan: Plan[Any, Any]) -> Any:
    return asyncio.run(async_run(plan, None))


both_modes = pytest.mark.parametrize("drive", [sync_mode, async_mode])


def step(act: Callable[[], Any]) -> Plan[Any, Any]:
    return (yield from call(lambda _: act()))


def returning(value: Any) -> Plan[Any, Any]:
    return (yield from call(lambda _: value))


def failing(error: BaseException) -> Plan[Any, Any]:
    def fail(_: Any) -> None:
        raise error

    yield from call(fail)


@both_modes
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_results_are_in_the_order_of_the_plans(drive: Callable[..., Any], limit: int) -> None:
    assert drive(concurrently([returning(n) for n in range(20)], limit)) == list(range(20))


@both_modes
def test_no_plans_have_no_results(drive: Callable[..., Any]) -> None:
    assert drive(concurrently([], 8)) == []


def test_threads_carry_out_as_many_plans_as_allowed() -> None:
    meeting = Meeting(3)
    plans = [step(meeting.attend) for _ in range(9)]
    run(concurrently(plans, 3), None)
    assert meeting.most == 3


def test_tasks_carry_out_as_many_plans_as_allowed() -> None:
    async def main() -> int:
        meeting = Meeting(3)
        plans = [step(meeting.async_attend) for _ in range(3)]
        await async_run(concurrently(plans, 3), None)
        return meeting.most

    assert asyncio.run(main()) == 3


def test_one_plan_needs_no_thread() -> None:
    def name_of_thread(_: Any) -> str:
        return threading.current_thread().name

    [name] = run(concurrently([call(name_of_thread)], 8), None)
    assert name == threading.current_thread().name


@both_modes
def test_after_an_error_no_plan_begins(drive: Callable[..., Any]) -> None:
    begun: list[int] = []

    def beginning(number: int) -> Plan[Any, Any]:
        begun.append(number)
        yield from returning(number)

    plans = [failing(ValueError("first")), *map(beginning, range(50))]
    with pytest.raises(ValueError, match="first"):
        drive(concurrently(plans, 2))
    assert len(begun) < 50


def test_plans_under_way_end_before_the_error_is_raised() -> None:
    has_begun, has_failed, ended = (threading.Event() for _ in range(3))

    def fail(_: Any) -> None:
        assert has_begun.wait(WAIT)
        has_failed.set()
        raise ValueError("failed")

    def end_later(_: Any) -> None:
        has_begun.set()
        assert has_failed.wait(WAIT)
        ended.set()

    with pytest.raises(ValueError, match="failed"):
        run(concurrently([call(fail), call(end_later)], 2), None)
    assert ended.is_set()


@pytest.mark.parametrize("is_first", [True, False])
def test_an_interrupt_ends_all_threads(is_first: bool) -> None:
    plans: list[Plan[Any, Any]] = [returning(n) for n in range(4)]
    plans.insert(0 if is_first else 2, failing(KeyboardInterrupt()))
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run(concurrently(plans, 2), None)
    assert threading.active_count() == before


def test_without_another_thread_one_thread_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert run(concurrently([returning(n) for n in range(5)], 4), None) == list(range(5))


def test_a_cancelled_call_cancels_its_requests() -> None:
    async def main() -> None:
        began, cancelled = asyncio.Semaphore(0), []

        async def request() -> None:
            began.release()
            try:
                await asyncio.sleep(WAIT)
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        plans = [step(request) for _ in range(5)]
        task = asyncio.create_task(async_run(concurrently(plans, 3), None))
        for _ in range(3):
            await began.acquire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cancelled == [True] * 3

    asyncio.run(main())


class BusyError(Exception):
    pass


@both_modes
@pytest.mark.parametrize(("failures", "most"), [(0, 8), (1, 4), (2, 2), (3, 1), (9, 1)])
def test_failures_leave_fewer_plans_at_the_same_time(
    drive: Callable[..., Any], failures: int, most: int
) -> None:
    """The first plan meets failures; the lanes' other first plans wait until it has ended."""
    present: set[int] = set()
    counts: list[int] = []
    lock, has_slowed = threading.Lock(), threading.Event()

    async def poll() -> None:
        while not has_slowed.is_set():  # noqa: ASYNC110 - the event is one of threads
            await asyncio.sleep(0.001)

    def slowed() -> Plan[Any, Any]:
        for _ in range(failures):
            slow_down()
        has_slowed.set()
        yield from returning(None)

    def counted(number: int) -> Plan[Any, Any]:
        yield from step(poll if drive is async_mode else lambda: has_slowed.wait(WAIT))
        with lock:
            if number > LANES:
                present.add(number)
                counts.append(len(present))
        yield from step(lambda: asyncio.sleep(0) if drive is async_mode else None)
        with lock:
            present.discard(number)

    drive(concurrently([slowed(), *map(counted, range(1, 60))], LANES))
    assert max(counts) <= most


def test_a_request_is_not_repeated_after_another_one_failed() -> None:
    async def main() -> int:
        attempts: list[int] = []
        has_begun = asyncio.Event()

        async def fail() -> None:
            has_begun.set()
            raise ValueError("failed")

        async def busy() -> None:
            attempts.append(1)
            await has_begun.wait()
            raise BusyError

        repeated = retry(
            lambda: step(busy),
            lambda error, _: Retryable("busy") if isinstance(error, BusyError) else None,
            policy=RetryPolicy(WAIT, attempts=5),
            sleep=lambda _: returning(None),
            server="test",
        )
        with pytest.raises(ValueError, match="failed"):
            await async_run(concurrently([repeated, step(fail)], 2), None)
        return len(attempts)

    assert asyncio.run(main()) == 1


class Observed:
    """An observed call."""

    def __init__(self) -> None:
        self.reasons: list[str | None] = []

    def watch(self, plan: Plan[Any, Any]) -> Plan[Any, Any]:
        return plan

    def retried(self, reason: str | None, pause: float) -> None:
        del pause
        self.reasons.append(reason)

    def waited(self, seconds: float) -> None:
        del seconds


@both_modes
def test_repetitions_belong_to_the_call(drive: Callable[..., Any]) -> None:
    observed: ObservedCall = Observed()
    failed: set[int] = set()

    def request(number: int) -> Plan[Any, Any]:
        def send(_: Any) -> None:
            if number not in failed:
                failed.add(number)
                raise BusyError

        return retry(
            lambda: call(send),
            lambda _, __: Retryable("busy", pause=0.0),
            policy=RetryPolicy(WAIT),
            sleep=lambda _: returning(None),
            server="test",
        )

    token = current_call.set(observed)
    try:
        drive(concurrently([request(n) for n in range(4)], 2))
    finally:
        current_call.reset(token)
    assert isinstance(observed, Observed)
    assert observed.reasons == ["busy"] * 4
