"""The fixtures of the contract."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.contract.modes import AsyncCaller, Caller, MixedCaller, SyncCaller
from chatstore.core.testing.harness import ContractHarness

Expiring: TypeAlias = tuple[ChatStore, Callable[[float], None]]
"""A store with a ttl, and a function that lets a multiple of the ttl pass."""

_TTL = 600.0  # seconds; no pause of the machine lets this time pass


def require(harness: ContractHarness, *names: str) -> None:
    """Skip the test if the harness does not override these optional methods."""
    missing = [f"{name}()" for name in names if not harness.provides(name)]
    if missing:
        pytest.skip(f"{type(harness).__name__} does not override {' and '.join(missing)}")


def _opening(
    harness: ContractHarness, close: Callable[[ChatStore], object]
) -> Iterator[Callable[..., ChatStore]]:
    """Yield a function that opens stores, then close them."""
    stores: list[ChatStore] = []

    def open_one(**options: Any) -> ChatStore:
        stores.append(harness.open(**options))
        return stores[-1]

    yield open_one
    for store in stores:
        close(store)


class Base:
    """The fixtures. A subclass of the contract provides the fixture ``harness``."""

    @pytest.fixture(params=[SyncCaller, AsyncCaller, MixedCaller], ids=lambda caller: caller.name)
    def call(self, request: pytest.FixtureRequest) -> Iterator[Caller]:
        """Return a function that calls methods of stores in one mode."""
        caller: Caller = request.param()
        yield caller
        caller.close()

    @pytest.fixture
    def opened(self, harness: ContractHarness, call: Caller) -> Iterator[Callable[..., ChatStore]]:
        """Return a function that opens stores; they are closed in the test's mode at its end."""
        yield from _opening(harness, lambda store: call(store, "close"))

    @pytest.fixture
    def sync_opened(self, harness: ContractHarness) -> Iterator[Callable[..., ChatStore]]:
        """Return a function that opens stores, for tests that choose the mode of each call."""
        yield from _opening(harness, lambda store: store.close())

    @pytest.fixture
    def expiring(self, harness: ContractHarness, opened: Callable[..., ChatStore]) -> Expiring:
        """Return a store with a ttl, and a function that lets a multiple of the ttl pass."""
        if harness.own_clock:
            times = [time.time()]

            def let_pass(ttls: float) -> None:
                times[0] += _TTL * ttls

            return opened(ttl=_TTL, clock=lambda: times[0]), let_pass
        if harness.provides("pass_time"):
            return opened(ttl=_TTL), lambda ttls: harness.pass_time(_TTL * ttls)
        return opened(ttl=2), lambda ttls: time.sleep(2 * ttls)

    @pytest.fixture
    def store(self, opened: Callable[..., ChatStore]) -> ChatStore:
        """Return a store."""
        return opened()
