"""Postgres keeps every promise of the contract, in the oldest version that is tested."""

from __future__ import annotations

import os

import pytest
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer

from chatstore.core.testing import ChatStoreContract, MixedContract, ProcessContract


class TestOlderPostgresContract(MixedContract, ProcessContract):
    @pytest.fixture
    def harness(self, older_server: PostgresServer) -> PostgresHarness:
        return PostgresHarness(older_server)


if os.environ.get("CHATSTORE_SOAK"):  # only the long run tests each mode by itself

    class TestOlderPostgresInEachMode(ChatStoreContract):
        @pytest.fixture
        def harness(self, older_server: PostgresServer) -> PostgresHarness:
            return PostgresHarness(older_server)
