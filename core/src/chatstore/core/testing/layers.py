"""``LayeredHarness``: the contract over a layer, on the database of another harness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from chatstore.core import ChatStore
from chatstore.core.backend import Backend
from chatstore.core.testing.harness import ContractHarness, Counts

Layer = Callable[[Backend[Any]], Backend[Any]]


class LayeredHarness(ContractHarness):
    """Opens the stores of another harness with a layer over their backends."""

    def __init__(
        self,
        inner: ContractHarness,
        layer: Layer,
        *,
        stored_key: Callable[[str], str] = str,
        max_name_bytes: int = 255,
    ) -> None:
        """Take the other harness.

        Args:
            inner: Opens the stores.
            layer: Wraps a backend; picklable if processes share the database.
            stored_key: Returns the key in the inner backend, for damaging records.
            max_name_bytes: The longest keys and owners that the layer accepts, in UTF-8.

        """
        self.inner = inner
        self.own_clock = inner.own_clock
        self.shared_between_processes = inner.shared_between_processes
        self.shared_between_instances = inner.shared_between_instances
        self.orders_lists_exactly = inner.orders_lists_exactly
        self.max_name_bytes = max_name_bytes
        self._layer = layer
        self._stored_key = stored_key

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        """Return another store on the same database, with the layer."""
        return layered(self.inner.open(ttl=ttl, clock=clock), self._layer)

    def provides(self, name: str) -> bool:
        """Return whether the other harness overrides an optional method."""
        return self.inner.provides(name)

    def opener(self) -> Callable[[], ChatStore]:
        """Return a function that opens a store in another process."""
        return LayeredOpener(self.inner.opener(), self._layer)

    def corrupt(self, key: str, index: int) -> None:
        """Make a record unreadable."""
        self.inner.corrupt(self._stored_key(key), index)

    def lose(self, key: str, index: int) -> None:
        """Remove a record as eviction does."""
        self.inner.lose(self._stored_key(key), index)

    def counts(self) -> Counts:
        """Return how much the database has done until now."""
        return self.inner.counts()

    def stored(self) -> int:
        """Return the number of records in the database."""
        return self.inner.stored()

    def reclaim(self, store: ChatStore) -> None:
        """Free the storage of expired conversations."""
        self.inner.reclaim(store)

    def pass_time(self, seconds: float) -> None:
        """Let all conversations expire earlier."""
        self.inner.pass_time(seconds)

    def failing(self) -> AbstractContextManager[None]:
        """Return a context in which the driver raises an error in every call."""
        return self.inner.failing()

    def unreachable(self) -> ChatStore:
        """Return a store whose database does not answer, with the layer."""
        return layered(self.inner.unreachable(), self._layer)

    @contextmanager
    def read_only(self) -> Iterator[ChatStore]:
        """Return a context with a store whose user may only read, with the layer."""
        with self.inner.read_only() as store:
            yield layered(store, self._layer)

    def slow(self) -> AbstractContextManager[float]:
        """Return a context in which each append is slow."""
        return self.inner.slow()


class LayeredOpener:
    """Opens a store with a layer; other processes receive it by pickle."""

    def __init__(self, opener: Callable[[], ChatStore], layer: Layer) -> None:
        """Take the function that opens the store without the layer."""
        self._opener = opener
        self._layer = layer

    def __call__(self) -> ChatStore:
        """Open a store."""
        return layered(self._opener(), self._layer)


def layered(store: ChatStore, layer: Layer) -> ChatStore:
    """Return a store with a layer over the backend of another one."""
    return ChatStore(layer(store.backend))
