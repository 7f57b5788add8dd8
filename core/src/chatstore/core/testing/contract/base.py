"""The fixtures of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.contract.modes import AsyncCaller, Caller, MixedCaller, SyncCaller
from chatstore.core.testing.harness import ContractHarness


def require(harness: ContractHarness, *names: str) -> None:
    """Skip the test if the harness does not override these optional methods."""
    missing = [f"{n}()" for n in names if getattr(type(harness), n) is getattr(ContractHarness, n)]
    if missing:
        pytest.skip(f"{type(harness).__name__} does not override {' and '.join(missing)}")


class Base:
    """The fixtures; a subclass of the contract provides ``harness``."""

    @pytest.fixture(params=[SyncCaller, AsyncCaller, MixedCaller], ids=lambda caller: caller.name)
    def call(self, request: pytest.FixtureRequest) -> Iterator[Caller]:
        """Return what calls stores in one mode."""
        caller: Caller = request.param()
        yield caller
        caller.close()

    @pytest.fixture
    def opened(self, harness: ContractHarness, call: Caller) -> Iterator[Callable[..., ChatStore]]:
        """Return a function that opens stores, which the test's end closes."""
        stores: list[ChatStore] = []

        def open_one(**kwargs: Any) -> ChatStore:
            stores.append(harness.open(**kwargs))
            return stores[-1]

        yield open_one
        for store in stores:
            call(store, "close")

    @pytest.fixture
    def sync_opened(self, harness: ContractHarness) -> Iterator[Callable[..., ChatStore]]:
        """Return a function that opens stores, for tests that choose the modes of calls."""
        stores: list[ChatStore] = []

        def open_one(**kwargs: Any) -> ChatStore:
            stores.append(harness.open(**kwargs))
            return stores[-1]

        yield open_one
        for store in stores:
            store.close()

    @pytest.fixture
    def store(self, opened: Callable[..., ChatStore]) -> ChatStore:
        """Return a store."""
        return opened()
