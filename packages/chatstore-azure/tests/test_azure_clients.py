"""Clients of the caller, options by URL and by keyword, and what an import loads."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableServiceClient
from azure.data.tables.aio import TableServiceClient as AsyncTableServiceClient
from azurite_server import ACCOUNT, KEY
from tables_proxy import TablesProxy

from chatstore.azure import AzureBackend, AzureChatStore
from chatstore.azure.settings import AzureSettings
from chatstore.core import ChatMessage, ChatStore, InvalidArgumentError, open_store

MESSAGE = ChatMessage(role="user", content="a")


def test_the_callers_clients_are_used_and_stay_open(storage: TablesProxy) -> None:
    table = f"Chat{uuid.uuid4().hex}"
    key = AzureNamedKeyCredential(ACCOUNT, KEY)

    async def scenario(client: TableServiceClient) -> None:
        async with AsyncTableServiceClient(storage.endpoint, credential=key) as async_client:
            store = AzureChatStore(table, client=client, async_client=async_client)
            await store.async_add_message("k", MESSAGE)
            assert store.count_messages("k") == 1
            await store.async_close()
            assert [one.name async for one in async_client.list_tables() if one.name == table]

    with TableServiceClient(storage.endpoint, credential=key) as client:
        asyncio.run(scenario(client))
        assert [one.name for one in client.list_tables() if one.name == table]


def test_the_missing_client_is_named(storage: TablesProxy) -> None:
    key = AzureNamedKeyCredential(ACCOUNT, KEY)
    with (
        TableServiceClient(storage.endpoint, credential=key) as client,
        AzureChatStore(client=client) as store,
        pytest.raises(InvalidArgumentError, match="async_client="),
    ):
        asyncio.run(store.async_count_messages("k"))


def test_options_by_keyword_override_those_of_the_url() -> None:
    url = "azure-tables://acc:a2V5@host/Chats?ttl=60&timeout=5&create=false&patience=1"
    store = AzureChatStore.from_url(url, ttl=7, account_key="b3RoZXI=")
    settings = _settings(store)
    assert (settings.ttl, settings.timeout, settings.patience) == (7.0, 5.0, 1.0)
    assert not settings.create
    assert settings.account is not None
    assert settings.account.account_key == "b3RoZXI="


def test_a_credential_replaces_the_key_of_a_url() -> None:
    class Credential:
        def get_token(self, *scopes: str, **options: Any) -> None:
            raise AssertionError

    credential = Credential()
    store = open_store("azure-tables://acc@host/Chats", credential=credential)
    account = _settings(store).account
    assert account is not None
    assert account.credential is credential
    assert account.account_key is None


def test_a_backend_makes_a_store(storage: TablesProxy) -> None:
    with AzureChatStore.from_account_and_key(ACCOUNT, KEY, endpoint=storage.endpoint) as facade:
        settings = _settings(facade)
    with ChatStore(AzureBackend(settings)) as store:
        store.set_messages("k", [MESSAGE])
        assert store.get_messages("k") == [MESSAGE]
        store.delete_messages("k")


def test_import_loads_no_client() -> None:
    code = "import sys, chatstore.azure; print([m for m in sys.modules if m.startswith('azure')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def _settings(store: ChatStore) -> AzureSettings:
    backend = store.backend
    assert isinstance(backend, AzureBackend)
    return backend._clients._settings
