"""All layers together keep the contract on Postgres."""

from __future__ import annotations

import pytest
from contracts import CombinedContract
from stacks import COMBINED

from chatstore.core.testing import ContractHarness


class TestAllLayersOnPostgres(CombinedContract):
    @pytest.fixture
    def harness(self, postgres_harness: ContractHarness) -> ContractHarness:
        return COMBINED.over(postgres_harness)
