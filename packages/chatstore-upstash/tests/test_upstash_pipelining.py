"""Commands of tasks that are ready together are one request; each call has its own outcome."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from upstash_double import LOST_REPLY, LOST_REQUEST, Fault, Request, UpstashDouble
from upstash_resp import Connection

from chatstore.core import (
    ChatMessage,
    CorruptStoreError,
    MessageConflictError,
    OutcomeUnknownError,
    StoreAccessError,
    StoreUnavailableError,
)
from chatstore.core.backend import PoolTimeoutError
from chatstore.core.testing.messages import message
from chatstore.redis_scripts.layout import KeySpace
from chatstore.upstash import UpstashChatStore
from chatstore.upstash.pipelining import CommandQueue

T = TypeVar("T")
TASKS = 16
KEYS = [f"k{number}" for number in range(TASKS)]
TOO_LARGE = (400, b'{"error": "ERR max request size exceeded. Limit: 1 bytes"}')


def run(
    double: UpstashDouble, scenario: Callable[[UpstashChatStore], Awaitable[T]], **options: Any
) -> T:
    """Run a scenario with a store, whose scripts the database knows."""

    async def main() -> T:
        async with UpstashChatStore(double.url, double.token, **options) as store:
            await store.async_add_message("first", message("x"))
            await store.async_count_messages("first")
            await store.async_get_messages("first")
            double.requests.clear()
            return await scenario(store)

    return asyncio.run(main())


async def append_all(store: UpstashChatStore, text: str = "a") -> list[Any]:
    """Append to all conversations at the same time."""
    calls = [store.async_add_message(key, message(text)) for key in KEYS]
    return await asyncio.gather(*calls, return_exceptions=True)


async def counts(store: UpstashChatStore) -> list[int]:
    """Count the messages of all conversations at the same time."""
    return await asyncio.gather(*(store.async_count_messages(key) for key in KEYS))


def paths(double: UpstashDouble) -> list[str]:
    return [request.path for request in double.requests]


def test_tasks_share_a_request(double: UpstashDouble) -> None:
    async def scenario(store: UpstashChatStore) -> None:
        for text in "ab":
            assert await append_all(store, text) == [None] * TASKS
        assert await counts(store) == [2] * TASKS

    run(double, scenario)
    shared = [("/pipeline", ("EVALSHA",) * TASKS)] * 3
    assert [(request.path, request.commands) for request in double.requests] == shared
    assert None not in [request.sync_token for request in double.requests]
    assert double.connections == 1


def test_a_single_task_sends_its_command_by_itself(double: UpstashDouble) -> None:
    async def scenario(store: UpstashChatStore) -> None:
        for text in "abc":
            await store.async_add_message("k", message(text))

    run(double, scenario)
    assert paths(double) == ["/"] * 3


def test_many_commands_take_several_requests(double: UpstashDouble) -> None:
    async def scenario(store: UpstashChatStore) -> None:
        keys = [f"many {number}" for number in range(300)]
        calls = [store.async_add_message(key, message("x" * 10_000)) for key in keys]
        await asyncio.gather(*calls)
        counted = await asyncio.gather(*(store.async_count_messages(key) for key in keys))
        assert counted == [1] * 300

    run(double, scenario)
    sizes = [len(request.commands) for request in double.requests]
    assert sum(sizes) == 600
    assert max(sizes) <= 128
    assert len(sizes) == 3 + 3


def test_each_call_has_its_own_error(double: UpstashDouble, redis: Connection) -> None:
    async def scenario(store: UpstashChatStore) -> list[Any]:
        await store.async_add_message(KEYS[1], message("one", id="1"))
        calls = [store.async_add_message(key, message("other", id="1")) for key in KEYS]
        return await asyncio.gather(*calls, return_exceptions=True)

    foreign = KeySpace("chatstore").keys(KEYS[2])[0]
    redis.call(b"SET", foreign.encode(), b"of another program")
    outcomes = run(double, scenario)
    assert isinstance(outcomes[1], MessageConflictError)
    assert isinstance(outcomes[2], CorruptStoreError)
    assert outcomes[:1] + outcomes[3:] == [None] * (TASKS - 2)


def test_an_error_of_the_request_reaches_each_call(double: UpstashDouble) -> None:
    async def scenario(store: UpstashChatStore) -> list[Any]:
        double.fault = lambda _: Fault(acts=False, answer=(401, b""))
        return await append_all(store)

    outcomes = run(double, scenario)
    assert [type(outcome) for outcome in outcomes] == [StoreAccessError] * TASKS
    assert len(set(map(id, outcomes))) == TASKS
    assert paths(double) == ["/pipeline"]


@pytest.mark.parametrize(
    "fault", [LOST_REPLY, LOST_REQUEST, Fault(sent=0.5), Fault(answer=(502, b""))]
)
def test_each_call_takes_effect_once(double: UpstashDouble, fault: Fault) -> None:
    """Every other request fails, repeated ones included."""

    async def scenario(store: UpstashChatStore) -> list[int]:
        double.fault = lambda request: fault if request.number % 2 == 0 else None
        for text in "abcd":
            assert await append_all(store, text) == [None] * TASKS
        removed = await asyncio.gather(*(store.async_delete_last_message(key) for key in KEYS))
        assert [one and one.content for one in removed] == ["d"] * TASKS
        double.fault = lambda _: None
        return await counts(store)

    assert run(double, scenario, patience=60) == [3] * TASKS
    assert "/pipeline" in paths(double)


def test_unanswered_writes_may_have_taken_effect(double: UpstashDouble) -> None:
    async def scenario(store: UpstashChatStore) -> list[Any]:
        double.fault = lambda _: Fault(answer=(502, b""))
        outcomes = await append_all(store)
        double.fault = lambda _: None
        assert await counts(store) == [1] * TASKS
        return outcomes

    outcomes = run(double, scenario, patience=0)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknownError] * TASKS


@pytest.mark.parametrize("answer", [(404, b""), (413, b""), TOO_LARGE])
@pytest.mark.parametrize("acts", [False, True])
def test_a_refused_pipeline_is_sent_as_single_commands(
    double: UpstashDouble, answer: tuple[int, bytes], acts: Any
) -> None:
    """The server may have carried it out, if the answer is too large."""

    async def scenario(store: UpstashChatStore) -> list[int]:
        double.fault = lambda request: (
            Fault(acts=acts, answer=answer) if request.path == "/pipeline" else None
        )
        assert await append_all(store) == [None] * TASKS
        double.fault = lambda _: None
        return await counts(store)

    assert run(double, scenario) == [1] * TASKS
    assert paths(double) == ["/pipeline", *["/"] * TASKS, "/pipeline"]


def test_answers_that_are_too_large_together(double: UpstashDouble) -> None:
    """Each append finds its message, which the answer contains."""

    async def scenario(store: UpstashChatStore) -> None:
        large = [message("x" * 2**20, id="1") for _ in KEYS]
        for one, key in zip(large, KEYS, strict=True):
            await store.async_add_message(key, one)
        calls = [store.async_add_message(key, message("y", id="1")) for key in KEYS]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [MessageConflictError] * TASKS

    run(double, scenario)


def test_unknown_scripts_are_sent_together(double: UpstashDouble, redis: Connection) -> None:
    async def scenario(store: UpstashChatStore) -> None:
        redis.call(b"SCRIPT", b"FLUSH")
        assert await append_all(store) == [None] * TASKS

    run(double, scenario)
    expected = [("EVALSHA",) * TASKS, ("EVAL",) * TASKS]
    assert [request.commands for request in double.requests] == expected


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"result": 1}', b'[{"result": 1}]', b"[" + b"3," * 15 + b"3]"]
)
def test_answers_of_something_else(double: UpstashDouble, body: bytes) -> None:
    async def scenario(store: UpstashChatStore) -> list[Any]:
        double.fault = lambda _: Fault(acts=False, answer=(200, body))
        calls = [store.async_count_messages(key) for key in KEYS]
        return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = run(double, scenario, patience=0)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailableError] * TASKS


class Gate:
    """Holds requests until it opens."""

    def __init__(self, double: UpstashDouble, holds: Callable[[Request], bool]) -> None:
        self._holds = holds
        self._loop = asyncio.get_running_loop()
        self.arrived = asyncio.Event()
        self.open = threading.Event()
        double.fault = self._hold

    def _hold(self, request: Request) -> None:
        if self._holds(request):
            self._loop.call_soon_threadsafe(self.arrived.set)
            self.open.wait(60)


@pytest.mark.parametrize("is_large_write", [False, True])
def test_large_calls_do_not_hold_up_small_ones(double: UpstashDouble, is_large_write: Any) -> None:
    async def scenario(store: UpstashChatStore) -> None:
        await store.async_set_messages("large", [message("x" * 1000)] * 100)
        double.requests.clear()
        gate = Gate(double, lambda request: request.path == "/")
        large: Awaitable[Any]
        if is_large_write:
            large = store.async_add_messages("large", [message("x" * 1000)] * 100)
        else:
            large = store.async_get_messages("large")
        task = asyncio.ensure_future(large)
        assert await append_all(store) == [None] * TASKS
        await gate.arrived.wait()
        assert await counts(store) == [1] * TASKS
        assert not task.done()
        gate.open.set()
        await task

    run(double, scenario)
    assert sorted(paths(double)) == ["/", "/pipeline", "/pipeline"]


def test_commands_that_wait_for_a_connection_are_sent_together(double: UpstashDouble) -> None:
    async def scenario(store: UpstashChatStore) -> None:
        gate = Gate(double, lambda request: request.number == 0)
        first = asyncio.ensure_future(store.async_count_messages("first"))
        await gate.arrived.wait()
        others = [asyncio.ensure_future(store.async_add_message(k, message("a"))) for k in KEYS]
        for _ in range(10):
            await asyncio.sleep(0)
        gate.open.set()
        assert await first == 1
        await asyncio.gather(*others)

    run(double, scenario, max_connections=1)
    assert [len(request.commands) for request in double.requests] == [1, TASKS]


def test_commands_wait_for_a_connection_for_a_limited_time() -> None:
    async def post(path: str, body: bytes) -> bytes:
        return b'{"result": 1}' if path == "/" else b'[{"result": 1}, {"result": 2}]'

    async def scenario() -> None:
        slots = asyncio.Semaphore(0)
        queue = CommandQueue(post, slots, timeout=0.01)
        outcomes = await asyncio.gather(queue.run(b"a"), queue.run(b"b"), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [PoolTimeoutError] * 2
        slots.release()
        both = await asyncio.gather(queue.run(b"a"), queue.run(b"b"))
        assert list(both) == [1, 2]
        assert await queue.run(b"a") == 1

    asyncio.run(scenario())


def test_a_cancelled_call_that_waits_is_not_sent(double: UpstashDouble) -> None:
    async def scenario(store: UpstashChatStore) -> list[int]:
        gate = Gate(double, lambda request: request.number == 0)
        first = asyncio.ensure_future(store.async_count_messages("first"))
        await gate.arrived.wait()
        calls = [asyncio.ensure_future(store.async_add_message(k, message("a"))) for k in KEYS]
        for _ in range(10):
            await asyncio.sleep(0)
        calls[3].cancel()
        with pytest.raises(asyncio.CancelledError):
            await calls[3]
        gate.open.set()
        await asyncio.gather(first, *calls, return_exceptions=True)
        return await counts(store)

    expected = [1] * TASKS
    expected[3] = 0
    assert run(double, scenario, max_connections=1) == expected


def test_a_cancelled_call_that_was_sent_ends_after_its_request(double: UpstashDouble) -> None:
    async def scenario(store: UpstashChatStore) -> list[int]:
        gate = Gate(double, lambda request: request.number == 0)
        calls = [asyncio.ensure_future(store.async_add_message(k, message("a"))) for k in KEYS]
        await gate.arrived.wait()
        calls[3].cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not calls[3].done()
        gate.open.set()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(outcomes[3], asyncio.CancelledError)
        assert outcomes[:3] + outcomes[4:] == [None] * (TASKS - 1)
        return await counts(store)

    assert run(double, scenario) == [1] * TASKS
    assert double.connections == 1


def test_all_calls_of_a_request_may_be_cancelled(double: UpstashDouble) -> None:
    """Also while the request fails, after which nobody asks for its error."""

    async def scenario(store: UpstashChatStore) -> list[int]:
        for fault in (None, LOST_REQUEST, Fault(acts=False, answer=TOO_LARGE)):
            double.requests.clear()
            gate = Gate(double, lambda request: request.number == 0)
            calls = [asyncio.ensure_future(store.async_add_message(k, message("a"))) for k in KEYS]
            await gate.arrived.wait()
            for call in calls:
                call.cancel()
            await asyncio.sleep(0)
            double.fault = lambda _, fault=fault: fault  # type: ignore[misc]
            gate.open.set()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
            double.fault = lambda _: None
        return await counts(store)

    assert set(run(double, scenario)) <= {1, 2, 3}


def test_an_event_loop_that_ends_cancels_the_calls_of_a_request(double: UpstashDouble) -> None:
    store = UpstashChatStore(double.url, double.token, timeout=60)
    store.count_messages("k")
    double.requests.clear()

    async def scenario() -> list[asyncio.Task[int]]:
        gate = Gate(double, lambda request: request.number == 0)
        calls = [asyncio.create_task(store.async_count_messages(key)) for key in KEYS]
        await gate.arrived.wait()
        gates.append(gate)
        return calls

    gates: list[Gate] = []
    calls = asyncio.run(scenario())
    assert all(call.cancelled() for call in calls)
    gates[0].open.set()
    store.close()


def test_conversations_of_a_list_are_read_with_one_request(double: UpstashDouble) -> None:
    store = UpstashChatStore(double.url, double.token)

    def names() -> list[str]:
        double.requests.clear()
        return [one.key for one in store.list_conversations(limit=1000).conversations]

    for number in range(250):
        store.add_message(f"k{number}", message("x"))
    assert len(names()) == 250  # from here on, the database knows the scripts
    assert len(names()) == 250
    reads = [request for request in double.requests if request.commands[0] == "EVALSHA"]
    assert [(request.path, len(request.commands)) for request in reads] == [("/pipeline", 2)]
    double.fault = lambda request: Fault(answer=TOO_LARGE) if request.path == "/pipeline" else None
    assert len(names()) == 250
    store.close()


def test_many_tasks_with_messages_of_many_sizes(double: UpstashDouble) -> None:
    """Calls of all kinds, cancelled ones included, on few conversations."""

    async def work(store: UpstashChatStore, number: int) -> int:
        key, done = f"mixed {number % 3}", 0
        for step in range(10):
            text = "x" * (10 ** (step % 6))
            call = asyncio.ensure_future(store.async_add_message(key, message(text)))
            if (number + step) % 5 == 0:
                await asyncio.sleep(0)
                call.cancel()
            outcome = await asyncio.gather(call, return_exceptions=True)
            done += outcome[0] is None
            await store.async_get_messages(key, last=1)
        return done

    async def scenario(store: UpstashChatStore) -> None:
        done = sum(await asyncio.gather(*(work(store, number) for number in range(24))))
        stored: list[ChatMessage] = []
        for number in range(3):
            stored += await store.async_get_messages(f"mixed {number}")
        assert done <= len(stored) <= 240
        assert len({one.id for one in stored}) == len(stored)

    run(double, scenario, max_connections=4)
