"""Stores with a data key for each owner keep the contract."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from contracts import CombinedContract
from stacks import encrypted, prefixed, prefixed_key
from test_contract_sqlite import SQLiteHarness

from chatstore.core import ChatStore
from chatstore.core.layers import PrefixedBackend
from chatstore.core.testing import ContractHarness
from chatstore.core.testing.harness import Counts
from chatstore.encryption import EncryptedBackend, KeyRing, OwnerKeysBackend

_KEYS = "keys"


class OwnerKeysHarness(ContractHarness):
    """Keeps data keys in the same file, without a ttl."""

    own_clock = True
    max_name_bytes = 255 - len(prefixed_key(""))

    def __init__(self, inner: SQLiteHarness) -> None:
        self.inner = inner

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        keys = PrefixedBackend(self.inner.open(clock=clock).backend, _KEYS)
        wrapped = EncryptedBackend(keys, KeyRing({"ring": b"\x05" * 32}, primary="ring"))
        conversations = encrypted(prefixed(self.inner.open(ttl=ttl, clock=clock).backend))
        assert isinstance(conversations, EncryptedBackend)
        return ChatStore(OwnerKeysBackend(conversations, wrapped))

    def corrupt(self, key: str, index: int) -> None:
        self.inner.corrupt(prefixed_key(key), index)

    def counts(self) -> Counts:
        return self.inner.counts()

    def stored(self) -> int:
        """Leave out data keys, each a conversation with one message: they stay."""
        with closing(sqlite3.connect(self.inner.path)) as db:
            statement = "SELECT COUNT(*) FROM chatstore_conversations WHERE substr(key, 1, 7) = ?"
            [(count,)] = db.execute(statement, (f"{len(_KEYS)}:{_KEYS}:",)).fetchall()
        return self.inner.stored() - 2 * int(count)


class TestOwnerKeysOnSQLite(CombinedContract):
    @pytest.fixture
    def harness(self, sqlite_harness: SQLiteHarness) -> OwnerKeysHarness:
        return OwnerKeysHarness(sqlite_harness)
