"""Table Storage keeps every promise of the contract, sync and async.

The tests run on Azurite, and on the account that ``CHATSTORE_AZURE_CONNECTION_STRING`` names,
where it is set: each test makes a table there, and deletes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from azure_backend import AzureBackend, connection_string
from tables_proxy import TablesProxy

from chatstore.core.testing import AcrossContract, ChatStoreContract, ProcessContract
from chatstore.core.testing.backend import Counts

ACCOUNTS = os.environ.get("CHATSTORE_AZURE_CONNECTION_STRING")

# Each colour by itself is for the long run.
Contract = ChatStoreContract if os.environ.get("CHATSTORE_SOAK") else AcrossContract


class ProxyBackend(AzureBackend):
    """Azurite behind the proxy, which sees each request."""

    def __init__(self, proxy: TablesProxy) -> None:
        super().__init__(connection_string(proxy))
        self.proxy = proxy

    def counts(self) -> Counts:
        seen = list(self.proxy.requests)
        return Counts(len(seen), sum(one.sent + one.received for one in seen))


class TestTableStorageContract(Contract, ProcessContract):
    @pytest.fixture
    def backend(self, storage: TablesProxy) -> AzureBackend:
        return ProxyBackend(storage)


if ACCOUNTS:

    class TestAzureContractOnAccount(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def backend(self) -> Iterator[AzureBackend]:
            backend = AzureBackend(ACCOUNTS or "")
            yield backend
            backend.drop()
