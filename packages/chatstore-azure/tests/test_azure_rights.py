"""All methods together need exactly the rights that the README lists."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import tables_limits
import tables_proxy
from azure.data.tables import TableServiceClient
from azurite_server import ACCOUNT, KEY
from every_call import call_all
from tables_limits import operations_of
from tables_proxy import TablesProxy

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
def needed(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Return the permissions that requests need, and the methods of requests for tables."""
    needed: dict[str, set[str]] = {"entities": set(), "tables": set()}
    check = tables_limits.rejection

    def note(method: str, path: str, body: bytes, *, table_api: bool) -> tuple[int, str] | None:
        if path.partition("?")[0].endswith("$batch"):
            for one, _, _ in operations_of(body):
                needed["entities"].update(PERMISSIONS[one])
        elif path.partition("?")[0].rstrip("/").endswith("/Tables"):
            needed["tables"].add(method)
        else:
            needed["entities"].update(PERMISSIONS[method])
        return check(method, path, body, table_api=table_api)

    monkeypatch.setattr(tables_proxy, "rejection", note)
    return needed


@pytest.mark.parametrize("create", [False, True])
def test_a_store_needs_what_the_readme_says(
    storage: TablesProxy, needed: dict[str, set[str]], create: bool
) -> None:
    table = f"Chat{uuid.uuid4().hex}"
    text = f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={storage.endpoint}"
    if not create:
        with TableServiceClient.from_connection_string(text) as client:
            client.create_table(table)
        needed["tables"].clear()
    with AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=storage.endpoint, create=create, ttl=3600
    ) as store:
        call_all(store)
    assert needed["entities"] == set("raud")
    assert needed["tables"] == ({"POST"} if create else set())
    assert "`raud`" in README
