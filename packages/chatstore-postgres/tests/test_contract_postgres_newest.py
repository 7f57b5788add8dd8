"""Postgres keeps every promise of the contract, in the newest version that PyPI ships."""

from __future__ import annotations

import pytest
from postgres_backend import PostgresBackend
from postgres_servers import PostgresServer

from chatstore.core.testing import ChatStoreContract, ProcessContract


class TestNewestPostgresContract(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def backend(self, newest_server: PostgresServer) -> PostgresBackend:
        return PostgresBackend(newest_server)
