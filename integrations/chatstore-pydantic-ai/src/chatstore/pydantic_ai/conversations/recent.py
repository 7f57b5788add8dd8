"""A dictionary that keeps the values that were put last."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Keeps the newest values by their names; each must be a hint that callers check."""

    def __init__(self, size: int) -> None:
        """Keep at most ``size`` values."""
        self._size = size
        self._values: OrderedDict[str, V] = OrderedDict()

    def put(self, name: str, value: V) -> None:
        """Keep a value, and drop the oldest ones beyond the size."""
        self._values[name] = value
        self._values.move_to_end(name)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def get(self, name: str) -> V | None:
        """Return a value, ``None`` if it is not kept."""
        return self._values.get(name)

    def pop(self, name: str) -> V | None:
        """Return a value and drop it."""
        return self._values.pop(name, None)
