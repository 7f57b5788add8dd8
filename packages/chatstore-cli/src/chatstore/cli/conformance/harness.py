"""``LiveHarness``: opens stores on a live database, each test with a prefix of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chatstore.cli.stores import open_existing
from chatstore.cli.throwaway import delete_all
from chatstore.core import ChatStore, SimpleChatStore
from chatstore.core.layers import PrefixedBackend
from chatstore.core.testing import ContractHarness

_EXACT_ORDER = ("sqlite:", "postgres:", "postgresql", "cosmos")
_LONGEST_NAME = 255  # bytes


@dataclass(frozen=True)
class Opener:
    """Opens the part of a store that has a prefix; other processes receive it by pickle."""

    url: str
    tenant: str

    def __call__(self, ttl: float | None = None) -> ChatStore:
        """Open a store."""
        options = {} if ttl is None else {"ttl": ttl}
        return ChatStore(PrefixedBackend(open_existing(self.url, **options).backend, self.tenant))


class LiveHarness(ContractHarness):
    """Knows nothing of the database: tests that damage, break or count it are skipped."""

    def __init__(self, url: str, tenant: str) -> None:
        """Take the store's URL, and the name under which a test stores everything."""
        self._opener = Opener(url, tenant)
        self.orders_lists_exactly = url.lower().startswith(_EXACT_ORDER)
        with open_existing(url) as store:
            is_own = isinstance(store, SimpleChatStore)
        self.shared_between_processes = not is_own
        self.shared_between_instances = not is_own
        self.max_name_bytes = _LONGEST_NAME - len(f"{len(tenant)}:{tenant}:")

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        """Return another store; the database's clock counts."""
        del clock
        return self._opener(ttl)

    def opener(self) -> Callable[[], ChatStore]:
        """Return what opens a store in another process."""
        return self._opener

    def corrupt(self, key: str, index: int) -> None:
        """Skip the test: a live database is not damaged."""
        del key, index
        pytest.skip("a live database is not damaged")

    def clean(self) -> None:
        """Delete what the test stored."""
        with self._opener() as store:
            delete_all(store)
