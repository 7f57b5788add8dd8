"""`purge_expired` removes everything that ended conversations leave."""

from __future__ import annotations

import uuid

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableClient
from azurite_server import ACCOUNT, KEY
from expiry import Clock, check_purge
from tables_proxy import TablesProxy

from chatstore.azure import AzureChatStore


@pytest.mark.parametrize("is_async", [False, True])
def test_a_purge_leaves_nothing_in_the_end(service: TablesProxy, is_async: bool) -> None:
    table, clock = f"Chat{uuid.uuid4().hex}", Clock()
    credential = AzureNamedKeyCredential(ACCOUNT, KEY)
    raw = TableClient(service.endpoint, table, credential=credential)
    store = AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint, ttl=60, clock=clock
    )
    with raw, store:
        check_purge(store, clock, lambda: len(list(raw.list_entities())), is_async=is_async)
