"""Calls whose errors are results, for tests in which some of many calls may fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from chatstore.core import ChatStore, ChatStoreError


class Attempt(NamedTuple):
    """How a call ended."""

    result: Any
    error: ChatStoreError | None
    seconds: float


class _Attempts:
    """A store whose methods return an `Attempt`; only a `ChatStoreError` is caught."""

    def __init__(self, store: ChatStore) -> None:
        """Wrap a store."""
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method that calls the store's method of this name."""
        method = getattr(self._store, name)

        def attempt(*args: Any, **kwargs: Any) -> Attempt:
            start = time.monotonic()
            try:
                return Attempt(method(*args, **kwargs), None, time.monotonic() - start)
            except ChatStoreError as error:
                return Attempt(None, error, time.monotonic() - start)

        async def async_attempt(*args: Any, **kwargs: Any) -> Attempt:
            start = time.monotonic()
            try:
                return Attempt(await method(*args, **kwargs), None, time.monotonic() - start)
            except ChatStoreError as error:
                return Attempt(None, error, time.monotonic() - start)

        return async_attempt if name.startswith("async_") else attempt


def attempting(store: ChatStore) -> Any:
    """Return an object whose methods call the store's and return an `Attempt`."""
    return _Attempts(store)
