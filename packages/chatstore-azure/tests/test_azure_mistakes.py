"""Mistakes with accounts, tables, options and servers: the class, the sentence, the time."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from time import time
from typing import Any

import mistakes
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables import TableServiceClient
from azure.data.tables.aio import TableServiceClient as AsyncTableServiceClient
from azurite_server import ACCOUNT, KEY, Azurite
from tables_proxy import Fault, TablesProxy

from chatstore.azure import AzureBackend, AzureChatStore
from chatstore.core import (
    ChatStore,
    ChatStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
    open_store,
)
from chatstore.core.cursors import write_cursor

SECRET = "c2VjcmV0LXNlY3JldA=="
SAS = "sv=2019-02-02&sig=c2VjcmV0%2Bc2VjcmV0%3D"
# Not written in the lines that tracebacks quote.
BAD_KEY, UNSIGNED = "c2VjcmV0!", "sv=2019&c2VjcmV0"
SECRETS = [SECRET, "c2VjcmV0", KEY, KEY[:20]]
HOST = "https://acc.table.core.windows.net"
MODES = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
# They are also called with arguments of wrong types.
by_key: Any = AzureChatStore.from_account_and_key
by_string: Any = AzureChatStore.from_connection_string
by_sas: Any = AzureChatStore.from_sas_token
by_credential: Any = AzureChatStore.from_credential


class Credential:
    def get_token(self, *scopes: str, **options: Any) -> Any:
        raise ClientAuthenticationError(f"the secret is {SECRET}")


class AsyncCredential:
    async def get_token(self, *scopes: str, **options: Any) -> Any:
        raise AssertionError


class AsyncContextCredential(Credential):
    async def __aenter__(self) -> Any:
        return self


def url(text: str) -> Callable[[], ChatStore]:
    return lambda: open_store(text)


def string(text: str) -> Callable[[], ChatStore]:
    return lambda: by_string(text)


def clients() -> tuple[Any, Any]:
    key = AzureNamedKeyCredential("acc", SECRET)
    return TableServiceClient(HOST, credential=key), AsyncTableServiceClient(HOST, credential=key)


WRONG_ARGUMENTS: dict[str, tuple[Callable[[], ChatStore], str]] = {
    "account with a path": (lambda: by_key("acc/evil", SECRET), "account_name"),
    "account missing": (lambda: by_key(None, SECRET), "account_name"),
    "key with a blank": (lambda: by_key("acc", f" {SECRET}"), "account_key.*base64"),
    "key not base64": (lambda: by_key("acc", BAD_KEY), "account_key"),
    "key missing": (lambda: by_key("acc", None), "account_key"),
    "endpoint third": (lambda: by_key("acc", SECRET, HOST), "endpoint="),
    "endpoint with a token": (lambda: by_sas(f"{HOST}?{SAS}", SAS), "endpoint"),
    "endpoint with a key": (lambda: by_sas(f"https://a:{SECRET}@host", SAS), "endpoint"),
    "endpoint without scheme": (lambda: by_sas("acc.table.core.windows.net", SAS), "endpoint"),
    "endpoint of letters that change": (lambda: by_sas(f"https://a:{SECRET}@hos℀t", SAS), "form"),
    "table with a hyphen": (lambda: by_key("acc", SECRET, "my-table"), "'my-table'"),
    "token without a signature": (lambda: by_sas(HOST, UNSIGNED), "sas_token"),
    "token with a line end": (lambda: by_sas(HOST, f"{SAS}\n"), "sas_token"),
    "string as credential": (lambda: by_credential(HOST, SECRET), "credential.*get_token"),
    "class as credential": (lambda: by_credential(HOST, Credential), "credential"),
    "async credential": (lambda: by_credential(HOST, AsyncCredential()), "azure.identity.aio"),
    "async context": (lambda: by_credential(HOST, AsyncContextCredential()), "async credential"),
    "plain http": (lambda: by_credential("http://host", Credential()), "https"),
    "async client for sync": (lambda: AzureChatStore(client=clients()[1]), "client.*async"),
    "sync client for async": (
        lambda: AzureChatStore(async_client=clients()[0]),
        "async_client.*sync",
    ),
    "key as client": (lambda: AzureChatStore(client=SECRET), "TableServiceClient"),
    "key and token": (
        lambda: AzureChatStore(account_name="acc", account_key=SECRET, sas_token=SAS),
        "exactly one.*account_key and sas_token",
    ),
    "key without a name": (
        lambda: AzureChatStore(account_key=SECRET, endpoint=HOST),
        "account_name",
    ),
    "token without an endpoint": (lambda: AzureChatStore(sas_token=SAS), "endpoint"),
    "endpoint alone": (lambda: AzureChatStore(endpoint=HOST), "exactly one"),
    "nothing": (AzureChatStore, "from_account_and_key"),
    "azure-identity missing": (lambda: AzureChatStore.from_aad_token(HOST), "pip install"),
    "azure-identity missing too": (
        lambda: AzureChatStore.from_account_and_id("acc"),
        "pip install azure-identity",
    ),
    "string of another service": (string(f"Endpoint=sb://a;SharedAccessKey={SECRET}"), "unknown"),
    "string with a setting twice": (
        string(f"AccountName=a;AccountKey={SECRET};AccountKey=c2VjcmV0"),
        "accountkey twice",
    ),
    "string for development": (string("UseDevelopmentStorage=true"), "TableEndpoint=http"),
    "string without key": (string("AccountName=acc"), "no account, endpoint, key"),
    "url with an unknown option": (url(f"azure-tables://a:{SECRET}@h/Chats?tt=1"), "'tt'"),
    "url with an option twice": (
        url(f"azure-tables://a:{SECRET}@h/Chats?ttl=1&ttl=2"),
        "'ttl' is given twice",
    ),
    "url with a wrong option": (
        url(f"azure-tables://a:{SECRET}@h/Chats?create=no"),
        "'create'.*true or false",
    ),
    "url without a key": (url("azure-tables://acc@host/Chats"), "percent-encoded"),
    "url with a raw key": (url("azure-tables://a:c2VjcmV0@c2VjcmV0@host/Chats"), "percent"),
    "url of letters that change": (url(f"azure-tables://a:{SECRET}℀@host/Chats"), "percent"),
    "url with a blank": (url(f"azure-tables://a:{SECRET}@host/Chats?ttl=1 "), "percent"),
    "timeout without end": (lambda: by_key("acc", SECRET, timeout=float("inf")), "timeout"),
    "timeout as a flag": (lambda: by_key("acc", SECRET, timeout=True), "timeout"),
    "ttl as a timedelta": (lambda: by_key("acc", SECRET, ttl=timedelta(1)), "ttl.*total_seconds"),
    "ttl too long": (lambda: by_key("acc", SECRET, ttl=2**63), "ttl"),
    "no connections": (lambda: by_key("acc", SECRET, max_connections=0), "max_connections"),
    "create as text": (lambda: by_key("acc", SECRET, create="no"), "create"),
}


@pytest.mark.parametrize(("make", "pattern"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_wrong_arguments_are_refused_at_once(
    make: Callable[[], ChatStore], pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)  # as if it were not installed
    mistakes.check(make, InvalidArgumentError, pattern, secrets=SECRETS)


# ---------------------------------------------------------------------- answers of the service


def at(endpoint: str, **options: Any) -> Callable[[], ChatStore]:
    options = {"timeout": 1, "endpoint": endpoint, **options}
    return lambda: by_key(ACCOUNT, KEY, f"Chat{uuid.uuid4().hex}", **options)


@MODES
def test_wrong_key(service: TablesProxy, is_async: bool) -> None:
    wrong = KEY.replace("Eby8", "Eby9")
    make = lambda: by_key(ACCOUNT, wrong, endpoint=service.endpoint)
    mistakes.check(
        make, StoreAccessError, "not accepted", secrets=[wrong, KEY[8:]], is_async=is_async
    )


@MODES
def test_missing_table(service: TablesProxy, is_async: bool) -> None:
    make = at(service.endpoint, create=False)
    pattern = r"no such table.*setup\(\)"
    mistakes.check(make, StoreSetupError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_refused_connection(is_async: bool) -> None:
    make = at(f"http://127.0.0.1:{mistakes.refused_port()}/{ACCOUNT}")
    pattern = "connection refused.*endpoint"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_refused_connection_with_a_token(is_async: bool) -> None:
    endpoint = f"http://127.0.0.1:{mistakes.refused_port()}/{ACCOUNT}"
    make = lambda: by_sas(endpoint, SAS)
    pattern = "connection refused"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_unknown_host(is_async: bool) -> None:
    make = at("http://no-such-host.invalid")
    pattern = "unknown host name"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_tls_to_a_plain_port(azurite: Azurite, is_async: bool) -> None:
    make = at(f"https://127.0.0.1:{azurite.port}/{ACCOUNT}")
    mistakes.check(make, StoreUnavailableError, "TLS failed", secrets=SECRETS, is_async=is_async)


@MODES
def test_silence(is_async: bool) -> None:
    with mistakes.silent_port() as port:
        make = at(f"http://127.0.0.1:{port}/{ACCOUNT}", timeout=0.2)
        mistakes.check(
            make,
            StoreUnavailableError,
            "no answer in time",
            secrets=SECRETS,
            is_async=is_async,
        )


@MODES
@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("status", [200, 404, 405])
def test_another_server(status: int, create: bool, is_async: bool) -> None:
    with mistakes.web_server(status) as port:
        make = at(f"http://127.0.0.1:{port}", create=create)
        mistakes.check(make, StoreSetupError, "endpoint", secrets=SECRETS, is_async=is_async)


@MODES
def test_credential_without_a_token(is_async: bool) -> None:
    make = lambda: by_credential("https://127.0.0.1:9", Credential())
    pattern = "credential gives no token"
    mistakes.check(make, StoreAccessError, pattern, secrets=SECRETS, is_async=is_async)


ANSWERS = {
    "expired token": ((403, "AuthenticationFailed"), StoreAccessError, "not expired"),
    "right is missing": ((403, "AuthorizationPermissionMismatch"), StoreAccessError, "README"),
    "https only": ((403, "AuthorizationProtocolMismatch"), StoreAccessError, "https"),
    "account disabled": ((403, "AccountIsDisabled"), StoreAccessError, "disabled"),
    "no room": ((507, "InsufficientAccountStorage"), StoreFullError, "room"),
    "being deleted": ((409, "TableBeingDeleted"), StoreUnavailableError, "being deleted"),
    "throttled": ((429, "TooManyRequests"), StoreUnavailableError, "throughput"),
    "busy": ((503, "ServerBusy"), StoreUnavailableError, "throughput"),
    "new error": ((418, "Teapot"), StoreUnavailableError, "HTTP status 418"),
}


@MODES
@pytest.mark.parametrize(("answer", "kind", "pattern"), ANSWERS.values(), ids=ANSWERS)
def test_answers(
    storage: TablesProxy,
    answer: tuple[int, str],
    kind: type[ChatStoreError],
    pattern: str,
    is_async: bool,
) -> None:
    storage.fault = lambda _: Fault(answer=answer)
    # The proxy's answers have this text.
    secrets = [*SECRETS, "secret-text"]
    make = at(storage.endpoint, patience=1)
    mistakes.check(make, kind, pattern, secrets=secrets, is_async=is_async)


@MODES
@pytest.mark.parametrize("minutes", [-17, 17])
def test_wrong_clock(storage: TablesProxy, minutes: int, is_async: bool) -> None:
    date = formatdate(time() - 60 * minutes, usegmt=True)
    storage.fault = lambda _: Fault(answer=(403, "AuthenticationFailed"), headers=[("Date", date)])
    pattern = "clock is wrong by about 17 minutes"
    mistakes.check(
        at(storage.endpoint), StoreAccessError, pattern, secrets=SECRETS, is_async=is_async
    )


def test_long_retry_after_is_not_waited_for(storage: TablesProxy) -> None:
    storage.fault = lambda _: Fault(answer=(503, "ServerBusy"), headers=[("Retry-After", "600")])
    pattern = "throughput"
    mistakes.check(
        at(storage.endpoint, patience=1), StoreUnavailableError, pattern, secrets=SECRETS
    )


# ---------------------------------------------------------------------- nothing shows a secret


@pytest.mark.parametrize(
    "make",
    [
        lambda: by_key("acc", SECRET),
        lambda: by_sas(HOST, SAS),
        lambda: by_string(f"AccountName=acc;AccountKey={SECRET}"),
    ],
)
def test_representations_show_no_secret(make: Callable[[], AzureChatStore]) -> None:
    store = make()
    backend = store.backend
    assert isinstance(backend, AzureBackend)
    clients = backend._clients
    shown = f"{store!r} {store.server} {backend!r} {clients!r} {clients._settings!r}"
    client: Any = clients.get()
    shown += f" {client!r} {client._client!r}"
    store.close()
    assert not any(secret in shown for secret in SECRETS)
    assert "acc.table.core.windows.net" in store.server


@pytest.mark.parametrize("owner", [None, "ann"])
@pytest.mark.parametrize("position", [5.5, True, "x", [1], {"PartitionKey": 5}])
def test_a_cursor_of_another_form_is_refused(
    storage: TablesProxy, owner: str | None, position: object
) -> None:
    table = f"Chat{uuid.uuid4().hex}"
    with by_key(ACCOUNT, KEY, table, endpoint=storage.endpoint) as store:
        cursor = write_cursor(position, store.backend.server, owner)
        with pytest.raises(InvalidArgumentError, match="not a cursor"):
            store.list_conversations(owner=owner, cursor=cursor)
