"""Table Storage keeps every promise of the contract, sync and async.

The tests run on Azurite, and on the account that ``CHATSTORE_AZURE_CONNECTION_STRING`` names,
where it is set: each test makes a table there, and deletes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from azure_harness import AzureHarness, connection_string
from tables_proxy import TablesProxy

from chatstore.core.testing import ChatStoreContract, MixedContract, ProcessContract
from chatstore.core.testing.harness import Counts

ACCOUNTS = os.environ.get("CHATSTORE_AZURE_CONNECTION_STRING")

# Each colour by itself is for the long run.
Contract = ChatStoreContract if os.environ.get("CHATSTORE_SOAK") else MixedContract


class ProxyHarness(AzureHarness):
    """Azurite behind the proxy, which sees each request."""

    def __init__(self, proxy: TablesProxy) -> None:
        super().__init__(connection_string(proxy))
        self.proxy = proxy

    def counts(self) -> Counts:
        seen = list(self.proxy.requests)
        return Counts(len(seen), sum(one.sent + one.received for one in seen))


class TestTableStorageContract(Contract, ProcessContract):
    @pytest.fixture
    def harness(self, storage: TablesProxy) -> AzureHarness:
        return ProxyHarness(storage)


if ACCOUNTS:

    class TestAzureContractOnAccount(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def harness(self) -> Iterator[AzureHarness]:
            harness = AzureHarness(ACCOUNTS or "")
            yield harness
            harness.drop()
