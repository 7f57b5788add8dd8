"""Postgres keeps every promise of the contract, in the oldest version that is tested."""

from __future__ import annotations

import pytest
from postgres_backend import PostgresBackend
from postgres_servers import PostgresServer

from chatstore.core.testing import ChatStoreContract, ProcessContract


class TestOlderPostgresContract(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def backend(self, older_server: PostgresServer) -> PostgresBackend:
        return PostgresBackend(older_server)
