"""`purge_expired` removes everything that ended conversations leave."""

from __future__ import annotations

import uuid

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableClient
from azurite_server import ACCOUNT, KEY
from expiry import DAY, Clock, check_purge
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


def test_expired_conversations_leave_their_owners_list(storage: TablesProxy) -> None:
    table, clock = f"Chat{uuid.uuid4().hex}", Clock()
    credential = AzureNamedKeyCredential(ACCOUNT, KEY)
    raw = TableClient(storage.endpoint, table, credential=credential)
    store = AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=storage.endpoint, ttl=60, clock=clock
    )
    with raw, store:
        for key in ("old", "older"):
            store.create_conversation(key, owner="ann", title="t" * 500)
        clock.now += 61
        store.create_conversation("new", owner="ann")
        assert [one.key for one in store.iter_conversations(owner="ann")] == ["new"]
        store.purge_expired()
        rows = [one["RowKey"] for one in raw.list_entities() if one["PartitionKey"][0] == "~"]
        assert len(rows) == 4  # the list's head and seal, an entry with its marker
        assert [one.key for one in store.iter_conversations(owner="ann")] == ["new"]
        store.delete_messages("new")
        clock.now += 4 * DAY
        store.purge_expired()
        assert list(raw.list_entities()) == []
