"""The Table API of Cosmos DB keeps every promise of the contract, sync and async.

The tests run on Azurite, behind a proxy that makes it behave like the Table API.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from azure_harness import AzureHarness, connection_string
from tables_proxy import TablesProxy

from chatstore.core.testing import ProcessContract

if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    from chatstore.core.testing import ChatStoreContract as Contract
else:  # the two modes are tested separately only in the long run
    from chatstore.core.testing import MixedContract as Contract


class TestTableApiContract(Contract, ProcessContract):
    @pytest.fixture
    def harness(self, table_api: TablesProxy) -> AzureHarness:
        return AzureHarness(connection_string(table_api))
