"""The rights in the README are those that the requests of all methods need."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import tables_proxy
from azure.data.tables import TableServiceClient
from azurite_server import ACCOUNT, KEY
from every_call import call_all
from tables_limits import operations_of

from chatstore.azure import AzureChatStore

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
# https://learn.microsoft.com/rest/api/storageservices/create-service-sas#permissions-for-a-table
PERMISSIONS = {
    "GET": "r",
    "POST": "a",
    "PUT": "au",
    "PATCH": "u",
    "MERGE": "u",
    "DELETE": "d",
}


@pytest.fixture
def asked(monkeypatch):
    """Return the permissions that requests need, and of those on tables, their methods."""
    needed: dict[str, set[str]] = {"entities": set(), "tables": set()}
    check = tables_proxy.refusal

    def note(method, path, body, *, table_api):
        if path.partition("?")[0].endswith("$batch"):
            for one, _, _ in operations_of(body):
                needed["entities"].update(PERMISSIONS[one])
        elif path.partition("?")[0].rstrip("/").endswith("/Tables"):
            needed["tables"].add(method)
        else:
            needed["entities"].update(PERMISSIONS[method])
        return check(method, path, body, table_api=table_api)

    monkeypatch.setattr(tables_proxy, "refusal", note)
    return needed


@pytest.mark.parametrize("create_table", [False, True])
def test_a_store_needs_what_the_readme_says(storage, asked, create_table):
    table = f"Chat{uuid.uuid4().hex}"
    text = f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={storage.endpoint}"
    if not create_table:
        with TableServiceClient.from_connection_string(text) as client:
            client.create_table(table)
        asked["tables"].clear()
    options = {"endpoint": storage.endpoint, "create_table": create_table, "ttl": 3600}
    with AzureChatStore.from_account_and_key(ACCOUNT, KEY, table, **options) as store:
        call_all(store)
    assert asked["entities"] == set("raud")
    assert asked["tables"] == ({"POST"} if create_table else set())
    assert "`raud`" in README
