"""Table Storage keeps every promise of the contract, sync and async.

The tests run on Azurite, and on the account in ``CHATSTORE_AZURE_CONNECTION_STRING`` if it is set:
each test creates a table there and deletes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from azure_harness import AzureHarness, connection_string
from tables_proxy import Fault, TablesProxy

from chatstore.core.testing import ChatStoreContract, ProcessContract
from chatstore.core.testing.harness import Counts

if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    from chatstore.core.testing import ChatStoreContract as Contract
else:  # the two modes are tested separately only in the long run
    from chatstore.core.testing import MixedContract as Contract

ACCOUNT = os.environ.get("CHATSTORE_AZURE_CONNECTION_STRING")


class ProxyHarness(AzureHarness):
    """Azurite behind the proxy, which records each request."""

    def __init__(self, proxy: TablesProxy) -> None:
        super().__init__(connection_string(proxy))
        self.proxy = proxy

    def counts(self) -> Counts:
        requests = list(self.proxy.requests)
        return Counts(len(requests), sum(one.sent + one.received for one in requests))

    @contextmanager
    def failing(self) -> Iterator[None]:
        self.proxy.fault = lambda _: Fault(answer=(403, "AuthorizationFailure"))
        yield
        self.proxy.fault = lambda _: None

    @contextmanager
    def slow(self) -> Iterator[float]:
        seconds = 0.3
        self.proxy.fault = lambda _: Fault(hang=seconds)
        yield seconds
        self.proxy.fault = lambda _: None


class TestTableStorageContract(Contract, ProcessContract):
    @pytest.fixture
    def harness(self, storage: TablesProxy) -> AzureHarness:
        return ProxyHarness(storage)


if ACCOUNT:

    class TestAzureContractOnAccount(ChatStoreContract, ProcessContract):
        @pytest.fixture
        def harness(self) -> Iterator[AzureHarness]:
            harness = AzureHarness(ACCOUNT or "")
            yield harness
            harness.drop()
