"""Stores with one fault each, which a soak must find."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chatstore.core import ChatStore
from chatstore.core.backend import Append, Existing, Plan, WrapperBackend

_EVERY = 10  # appends


class _Counting(WrapperBackend[Any]):
    """Does something else at every tenth append."""

    _appends = 0

    def append(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        self._appends += 1
        if self._appends % _EVERY:
            return super().append(key, write)
        return self.misbehave(key, write)

    def misbehave(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        return super().append(key, write)


class LosesAppends(_Counting):
    def misbehave(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        yield from self.inner.count(key)
        return []


class DoublesAppends(_Counting):
    """Forgets ids: the call takes effect, and its repetition takes effect again."""

    def misbehave(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        existing = yield from self.inner.append(key, write)
        if not existing:
            again = [record._replace(id=f"again-{record.id}") for record in write.records]
            yield from self.inner.append(key, replace(write, records=again))
        return existing


class SplitsAppends(WrapperBackend[Any]):
    """Appends the records one by one: others come between them, and a fault leaves a part."""

    def append(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        existing: list[Existing] = []
        for record in write.records:
            existing += yield from self.inner.append(key, replace(write, records=[record]))
        return existing


class ReversesAppends(WrapperBackend[Any]):
    def append(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        return self.inner.append(key, replace(write, records=write.records[::-1]))


class LeaksFiles(_Counting):
    def misbehave(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        os.open(os.devnull, os.O_RDONLY)
        return super().misbehave(key, write)


class LeaksMemory(WrapperBackend[Any]):
    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._writes: list[object] = []

    def append(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
        self._writes.append([bytearray(64) for _ in range(50)])
        return super().append(key, write)


_BROKEN = {
    "loses": LosesAppends,
    "doubles": DoublesAppends,
    "splits": SplitsAppends,
    "reverses": ReversesAppends,
    "leaks files": LeaksFiles,
    "leaks memory": LeaksMemory,
}
BREAKAGES: list[str] = list(_BROKEN)


def broken(store: ChatStore, breakage: str) -> ChatStore:
    """Return a store with a fault, over the backend of a store."""
    wrap: Callable[[Any], WrapperBackend[Any]] = _BROKEN[breakage]
    return ChatStore(wrap(store.backend))
