"""Calls of a store in either mode, by the name of the sync method."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from chatstore.core import ChatStore
from chatstore.core.testing.messages import contents, message

S = TypeVar("S", bound=ChatStore)

__all__ = ["Caller", "contents", "message"]


class Caller:
    """Calls methods of stores, on one event loop in async mode."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._loop = asyncio.new_event_loop()

    def __call__(self, store: ChatStore, name: str, *args: Any, **kwargs: Any) -> Any:
        if self.mode == "sync":
            return getattr(store, name)(*args, **kwargs)
        return self.run(getattr(store, f"async_{name}")(*args, **kwargs))

    def run(self, awaitable: Any) -> Any:
        """Run a coroutine on the caller's event loop."""
        return self._loop.run_until_complete(awaitable)

    @contextmanager
    def using(self, store: S) -> Iterator[S]:
        """Close the store in the end."""
        try:
            yield store
        finally:
            self(store, "close")

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
