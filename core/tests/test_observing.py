"""Observers are told about calls, retries and waits for connections, on whichever thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from chatstore.core import ChatStore, SimpleChatStore
from chatstore.core.backend import (
    AsyncPool,
    ObservedCall,
    Plan,
    Pool,
    PoolTimeoutError,
    Retryable,
    RetryPolicy,
    WrapperBackend,
    call,
    current_call,
    retry,
    run,
)
from chatstore.core.layers import PrefixedBackend

C = TypeVar("C")
T = TypeVar("T")


class Noted:
    """An observer and the only call that it observes; notes what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @contextmanager
    def observe(self, operation: str) -> Iterator[ObservedCall]:
        self.events.append(operation)
        try:
            yield self
        except BaseException as error:
            self.events.append(type(error).__name__)
            raise
        self.events.append("end")

    def watch(self, plan: Plan[C, T]) -> Plan[C, T]:
        token = current_call.set(self)
        try:
            return (yield from plan)
        finally:
            current_call.reset(token)

    def retried(self, reason: str | None, pause: float) -> None:
        self.events.append((reason, pause))

    def waited(self, seconds: float) -> None:
        assert seconds > 0
        self.events.append("waited")


@pytest.fixture
def noted() -> Noted:
    return Noted()


class Observed(WrapperBackend[Any]):
    def __init__(self, observer: Noted) -> None:
        super().__init__(SimpleChatStore().backend)
        self.observer = observer


def test_calls_are_observed_through_layers(noted: Noted) -> None:
    store = ChatStore(PrefixedBackend(Observed(noted), "acme"))
    assert store.count_messages("k") == 0
    assert asyncio.run(store.async_count_messages("k")) == 0
    assert list(store.iter_keys()) == []
    assert noted.events == ["count_messages", "end"] * 2 + ["iter_keys", "end"]
    assert current_call.get() is None


def test_drivers_errors_pass_through_the_observers_context(noted: Noted) -> None:
    class Failing(Observed):
        def count(self, key: str) -> Plan[Any, int]:
            yield from call(lambda _: None)
            raise OSError(key)

    with pytest.raises(Exception, match="unexpected OSError"):
        ChatStore(Failing(noted)).count_messages("k")
    assert noted.events == ["count_messages", "OSError"]


@pytest.mark.parametrize(("reason", "pause"), [("no answer", 0.5), ("no answer", 0), (None, 0)])
def test_retries_are_told(noted: Noted, reason: str | None, pause: float) -> None:
    answers: Iterator[Callable[[], int]] = iter([lambda: 1 // 0, lambda: 7])

    def repeated() -> Plan[None, int]:
        return retry(
            lambda: call(lambda _: next(answers)()),
            lambda error, _: Retryable(reason, pause),
            policy=RetryPolicy(1),
            sleep=lambda _: call(lambda _: None),
            server="memory",
        )

    assert run(noted.watch(repeated()), None) == 7
    assert noted.events == [(reason, pause)]


class Connection:
    """A connection that is never used."""

    created_at = 0.0


def test_waits_for_connections_are_told(noted: Noted) -> None:
    pool: Pool[Any] = Pool(Connection, size=1, timeout=0.01)
    pool.acquire()

    async def wait() -> None:
        async def connect() -> Any:
            return Connection()

        async_pool: AsyncPool[Any] = AsyncPool(connect, size=1, timeout=0.01)
        await async_pool.acquire()
        with pytest.raises(PoolTimeoutError):
            await async_pool.acquire()

    token = current_call.set(noted)
    with pytest.raises(PoolTimeoutError):
        pool.acquire()
    asyncio.run(wait())
    current_call.reset(token)
    assert noted.events == ["waited", "waited"]
