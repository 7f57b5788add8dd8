"""All layers together keep the contract on SQLite."""

from __future__ import annotations

import pytest
from contracts import CombinedContract
from stacks import COMBINED

from chatstore.core.testing import ContractHarness


class TestAllLayersOnSQLite(CombinedContract):
    @pytest.fixture
    def harness(self, sqlite_harness: ContractHarness) -> ContractHarness:
        return COMBINED.over(sqlite_harness)
