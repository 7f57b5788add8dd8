"""Each layer alone keeps the contract on four databases: in the long run only.

In every run, the packages' own tests have each layer alone in memory, and all of them together are
tested on the databases.
"""

from __future__ import annotations

import pytest
from contracts import IS_LONG_RUN
from stacks import LAYERS

from chatstore.core.testing import ContractHarness, MixedContract

if IS_LONG_RUN:

    class TestEachLayer(MixedContract):
        @pytest.fixture(params=LAYERS)
        def layer(self, request: pytest.FixtureRequest) -> str:
            return str(request.param)

        @pytest.fixture(params=["sqlite", "redis", "postgres", "dynamodb"])
        def harness(self, request: pytest.FixtureRequest, layer: str) -> ContractHarness:
            return LAYERS[layer].over(request.getfixturevalue(f"{request.param}_harness"))
