"""Postgres keeps every promise of the contract, in the oldest version that is tested."""

from __future__ import annotations

import os

import pytest
from postgres_backend import PostgresBackend
from postgres_servers import PostgresServer

from chatstore.core.testing import AcrossContract, ChatStoreContract, ProcessContract

# Each colour by itself is for the long run.
Contract = ChatStoreContract if os.environ.get("CHATSTORE_SOAK") else AcrossContract


class TestOlderPostgresContract(Contract, ProcessContract):
    @pytest.fixture
    def backend(self, older_server: PostgresServer) -> PostgresBackend:
        return PostgresBackend(older_server)
