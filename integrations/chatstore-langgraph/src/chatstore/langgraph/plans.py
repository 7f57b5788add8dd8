"""Plans of a store's public methods, written once for sync and async."""

from __future__ import annotations

from operator import methodcaller
from typing import Any, TypeAlias, TypeVar

from chatstore.core import ChatStore, backend

T = TypeVar("T")

Plan: TypeAlias = backend.Plan[Any, T]
"""``Plan[Result]``: calls a store's methods by their sync names, and returns a result."""


class _AsyncMethods:
    """Has a store's async methods under the names of the sync ones."""

    def __init__(self, store: ChatStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, f"async_{name}")


def call(method: str, *args: Any, **kwargs: Any) -> Plan[Any]:
    """Return a plan of one call; its result is the method's."""
    return backend.call(methodcaller(method, *args, **kwargs))


def run(store: ChatStore, plan: Plan[T]) -> T:
    """Run a plan with a store's sync methods."""
    return backend.run(plan, store)


async def async_run(store: ChatStore, plan: Plan[T]) -> T:
    """Run a plan with a store's async methods."""
    return await backend.async_run(plan, _AsyncMethods(store))
