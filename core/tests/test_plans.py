"""Plans: generators that run with a sync or an async client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from chatstore.core.backend import MaybeAwaitable, Plan, async_run, call, run


class Client:
    """Counts calls."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def double(self, value: int) -> int:
        self.calls.append(value)
        if value < 0:
            raise OSError(value)
        return 2 * value

    def double_soon(self, value: int) -> MaybeAwaitable[int]:
        return self.double(value)


class AsyncClient(Client):
    """Answers later."""

    async def later(self, value: int) -> int:
        await asyncio.sleep(0)
        return self.double(value)

    def double_soon(self, value: int) -> Awaitable[int]:
        return self.later(value)


def doubled(value: int) -> Plan[Client, int]:
    return call(lambda client: client.double_soon(value))


def plan(*values: int) -> Plan[Client, int]:
    total = 0
    for value in values:
        try:
            total += yield from doubled(value)
        except OSError:
            total += 1000
    return total


def failing() -> Plan[Client, int]:
    return call(lambda client: client.double(-1))


def test_run_sends_results_and_throws_errors() -> None:
    client = Client()
    assert run(plan(1, -1, 3), client) == 2 + 1000 + 6
    assert client.calls == [1, -1, 3]


def test_async_run_awaits_results_and_throws_errors() -> None:
    client = AsyncClient()
    assert asyncio.run(async_run(plan(1, -1, 3), client)) == 2 + 1000 + 6
    assert client.calls == [1, -1, 3]


def test_async_run_takes_results_that_are_not_awaitable() -> None:
    assert asyncio.run(async_run(plan(4), Client())) == 8


def test_a_plan_without_steps_returns() -> None:
    assert run(plan(), Client()) == 0
    assert asyncio.run(async_run(plan(), Client())) == 0


def test_errors_that_the_plan_does_not_catch_leave() -> None:
    with pytest.raises(OSError, match="-1"):
        run(failing(), Client())
    with pytest.raises(OSError, match="-1"):
        asyncio.run(async_run(failing(), Client()))


def test_an_interrupt_closes_the_plan() -> None:
    closed: list[bool] = []

    class Interrupted:
        def interrupt(self) -> None:
            raise KeyboardInterrupt

    def watched() -> Plan[Interrupted, None]:
        try:
            yield from call(Interrupted.interrupt)
        finally:
            closed.append(True)

    with pytest.raises(KeyboardInterrupt):
        run(watched(), Interrupted())
    assert closed == [True]
