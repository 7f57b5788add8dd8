"""A layer over any backend: it counts calls and appended messages."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

from chatstore.core.backend import Append, Backend, Existing, Plan, WrapperBackend

C = TypeVar("C")
T = TypeVar("T")


class CountingBackend(WrapperBackend[C]):
    def __init__(self, inner: Backend[C]) -> None:
        super().__init__(inner)
        self.counts: Counter[str] = Counter()

    def run(self, plan: Plan[C, T]) -> T:
        self.counts["sync calls"] += 1
        return super().run(plan)

    async def async_run(self, plan: Plan[C, T]) -> T:
        self.counts["async calls"] += 1
        return await super().async_run(plan)

    def append(self, key: str, write: Append) -> Plan[C, list[Existing]]:
        existing = yield from super().append(key, write)
        self.counts["messages"] += 0 if existing else len(write.records)
        return existing
