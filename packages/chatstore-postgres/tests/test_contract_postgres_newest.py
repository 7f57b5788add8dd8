"""Postgres keeps every promise of the contract, in the newest version that PyPI ships."""

from __future__ import annotations

import pytest
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer

from chatstore.core.testing import ChatStoreContract, ProcessContract


class TestNewestPostgresContract(ChatStoreContract, ProcessContract):
    @pytest.fixture
    def harness(self, newest_server: PostgresServer) -> PostgresHarness:
        return PostgresHarness(newest_server)
