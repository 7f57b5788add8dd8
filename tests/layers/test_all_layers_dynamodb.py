"""All layers together keep the contract on DynamoDB."""

from __future__ import annotations

import pytest
from contracts import SlowContract
from stacks import COMBINED

from chatstore.core.testing import ContractHarness


class TestAllLayersOnDynamoDB(SlowContract):
    @pytest.fixture
    def harness(self, dynamodb_harness: ContractHarness) -> ContractHarness:
        return COMBINED.over(dynamodb_harness)
