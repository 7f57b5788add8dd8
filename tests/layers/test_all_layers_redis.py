"""All layers together keep the contract on Redis."""

from __future__ import annotations

import pytest
from contracts import CombinedContract
from stacks import COMBINED

from chatstore.core.testing import ContractHarness


class TestAllLayersOnRedis(CombinedContract):
    @pytest.fixture
    def harness(self, redis_harness: ContractHarness) -> ContractHarness:
        return COMBINED.over(redis_harness)
