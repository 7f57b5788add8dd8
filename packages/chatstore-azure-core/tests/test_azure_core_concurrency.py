"""Requests at the same time: order, errors, cancellation, both modes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest

from chatstore.azure_core.concurrency import concurrently
from chatstore.core.backend import MaybeAwaitable


class SyncClient:
    """A client without `__aenter__`."""


class AsyncClient:
    async def __aenter__(self) -> None:
        """Mark the client as async."""


async def gather(numbers: Sequence[int], request: Callable[[int], MaybeAwaitable[int]]) -> Any:
    return await cast("Awaitable[Any]", concurrently(AsyncClient(), numbers, request))


def test_sync_requests_run_at_the_same_time_and_keep_their_order() -> None:
    meeting = threading.Barrier(4, timeout=60)

    def request(number: int) -> int:
        meeting.wait()
        return number * 10

    assert concurrently(SyncClient(), [3, 1, 2, 0], request) == [30, 10, 20, 0]
    assert concurrently(SyncClient(), [], request) == []


def test_async_requests_run_at_the_same_time_and_keep_their_order() -> None:
    async def scenario() -> list[Any]:
        waiting = 0
        ready = asyncio.Event()

        async def request(number: int) -> int:
            nonlocal waiting
            waiting += 1
            if waiting == 4:
                ready.set()
            await ready.wait()
            return number * 10

        results: list[Any] = await asyncio.wait_for(gather([3, 1, 2, 0], request), 60)
        return results

    assert asyncio.run(scenario()) == [30, 10, 20, 0]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("is_async", [False, True])
def test_errors_are_results(count: int, is_async: bool) -> None:
    def request(number: int) -> int:
        if number == 0:
            raise ValueError(number)
        return number

    async def async_request(number: int) -> int:
        return request(number)

    results: Any
    if is_async:
        results = asyncio.run(gather(range(count), async_request))
    else:
        results = concurrently(SyncClient(), range(count), request)
    assert isinstance(results[0], ValueError)
    assert results[1:] == list(range(1, count))


def test_a_cancellation_reaches_all_requests() -> None:
    async def scenario() -> int:
        cancelled = 0

        async def request(_: int) -> int:
            nonlocal cancelled
            try:
                return await asyncio.sleep(60, 1)
            except asyncio.CancelledError:
                cancelled += 1
                raise

        task = asyncio.ensure_future(gather(range(3), request))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return cancelled

    assert asyncio.run(scenario()) == 3
