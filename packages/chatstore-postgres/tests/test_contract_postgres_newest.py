"""Postgres keeps every promise of the contract, in the newest version that PyPI ships."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer

from chatstore.core.testing import ChatStoreContract, ProcessContract, SyncAsyncContract

# The older Postgres tests mixed calls of both modes, and the long run does so here, too.
if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    Contract = ChatStoreContract
else:
    Contract = SyncAsyncContract


class TestNewestPostgresContract(Contract, ProcessContract):
    share_of_examples = 5  # as in the long run

    @pytest.fixture
    def harness(self, newest_server: PostgresServer) -> PostgresHarness:
        return PostgresHarness(newest_server)
