"""Mistakes with accounts, tables, options and servers: the class, the sentence, the time."""

from __future__ import annotations

import uuid
from datetime import timedelta
from email.utils import formatdate
from time import time

import mistakes
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables import TableServiceClient
from azure.data.tables.aio import TableServiceClient as AsyncTableServiceClient
from azurite_server import ACCOUNT, KEY
from tables_proxy import Fault

from chatstore.azure import AzureChatStore
from chatstore.core import (
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
    open_store,
)

SECRET = "c2VjcmV0LXNlY3JldA=="
SAS = "sv=2019-02-02&sig=c2VjcmV0%2Bc2VjcmV0%3D"
# Tracebacks quote source lines, so that these must not be written there.
BAD_KEY, UNSIGNED = "c2VjcmV0!", "sv=2019&c2VjcmV0"
SECRETS = [SECRET, "c2VjcmV0", KEY, KEY[:20]]
HOST = "https://acc.table.core.windows.net"
MODES = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
by_key = AzureChatStore.from_account_and_key
by_string = AzureChatStore.from_connection_string
by_sas = AzureChatStore.from_sas_token
by_credential = AzureChatStore.from_credential


class Credential:
    def get_token(self, *scopes, **options):
        raise ClientAuthenticationError(f"the secret is {SECRET}")


class AsyncCredential:
    async def get_token(self, *scopes, **options):
        raise AssertionError


class AsyncContextCredential(Credential):
    async def __aenter__(self):
        return self


def url(text):
    return lambda: open_store(text)


def string(text):
    return lambda: by_string(text)


def clients():
    key = AzureNamedKeyCredential("acc", SECRET)
    return TableServiceClient(HOST, credential=key), AsyncTableServiceClient(HOST, credential=key)


GIVEN = {
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
    "async client for sync": (lambda: AzureChatStore(clients()[1]), "table_service_client.*async"),
    "sync client for async": (
        lambda: AzureChatStore(atable_service_client=clients()[0]),
        "atable_service_client.*sync",
    ),
    "key as client": (lambda: AzureChatStore(SECRET), "TableServiceClient"),
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
        url(f"azure-tables://a:{SECRET}@h/Chats?create_table=no"),
        "'create_table'.*true or false",
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
    "create_table as text": (lambda: by_key("acc", SECRET, create_table="no"), "create_table"),
}


@pytest.mark.parametrize(("make", "pattern"), GIVEN.values(), ids=GIVEN)
def test_what_is_given_wrongly_is_refused_at_once(make, pattern):
    mistakes.check(make, InvalidArgumentError, pattern, secrets=SECRETS, seconds=1)


# ---------------------------------------------------------------------- what the service answers


def at(endpoint, **options):
    options = {"timeout": 1, "endpoint": endpoint, **options}
    return lambda: by_key(ACCOUNT, KEY, f"Chat{uuid.uuid4().hex}", **options)


@MODES
def test_wrong_key(service, is_async):
    wrong = KEY.replace("Eby8", "Eby9")
    make = lambda: by_key(ACCOUNT, wrong, endpoint=service.endpoint)
    mistakes.check(
        make, StoreAccessError, "not accepted", secrets=[wrong, KEY[8:]], is_async=is_async
    )


@MODES
def test_missing_table(service, is_async):
    make = at(service.endpoint, create_table=False)
    pattern = "no such table.*create_table=True"
    mistakes.check(make, StoreSetupError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_refused_connection(is_async):
    make = at(f"http://127.0.0.1:{mistakes.refused_port()}/{ACCOUNT}")
    pattern = "connection refused.*endpoint"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_refused_connection_with_a_token(is_async):
    endpoint = f"http://127.0.0.1:{mistakes.refused_port()}/{ACCOUNT}"
    make = lambda: by_sas(endpoint, SAS, timeout=1)
    pattern = "connection refused"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_unknown_host(is_async):
    make = at("http://no-such-host.invalid")
    pattern = "unknown host name"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_tls_to_a_plain_port(azurite, is_async):
    make = at(f"https://127.0.0.1:{azurite.port}/{ACCOUNT}")
    mistakes.check(make, StoreUnavailableError, "TLS failed", secrets=SECRETS, is_async=is_async)


@MODES
def test_silence(is_async):
    with mistakes.silent_port() as port:
        make = at(f"http://127.0.0.1:{port}/{ACCOUNT}", timeout=0.2)
        mistakes.check(
            make,
            StoreUnavailableError,
            "no answer in time",
            secrets=SECRETS,
            seconds=10,
            is_async=is_async,
        )


@MODES
@pytest.mark.parametrize("create_table", [False, True])
@pytest.mark.parametrize("status", [200, 404, 405])
def test_another_server(status, create_table, is_async):
    with mistakes.web_server(status) as port:
        make = at(f"http://127.0.0.1:{port}", create_table=create_table)
        mistakes.check(make, StoreSetupError, "endpoint", secrets=SECRETS, is_async=is_async)


@MODES
def test_credential_without_a_token(is_async):
    make = lambda: by_credential("https://127.0.0.1:9", Credential(), timeout=1)
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
def test_answers(storage, answer, kind, pattern, is_async, monkeypatch):
    monkeypatch.setattr(AzureChatStore, "patience", 1.0)
    storage.fault = lambda _: Fault(answer=answer)
    # The double puts the word into its answers' texts.
    secrets = [*SECRETS, "secret-text"]
    mistakes.check(at(storage.endpoint), kind, pattern, secrets=secrets, is_async=is_async)


@MODES
@pytest.mark.parametrize("minutes", [-17, 17])
def test_wrong_clock(storage, minutes, is_async):
    date = formatdate(time() - 60 * minutes, usegmt=True)
    storage.fault = lambda _: Fault(answer=(403, "AuthenticationFailed"), headers=[("Date", date)])
    pattern = "clock is wrong by about 17 minutes"
    mistakes.check(
        at(storage.endpoint), StoreAccessError, pattern, secrets=SECRETS, is_async=is_async
    )


def test_long_retry_after_is_not_waited_for(storage, monkeypatch):
    monkeypatch.setattr(AzureChatStore, "patience", 1.0)
    storage.fault = lambda _: Fault(answer=(503, "ServerBusy"), headers=[("Retry-After", "600")])
    pattern = "throughput"
    mistakes.check(at(storage.endpoint), StoreUnavailableError, pattern, secrets=SECRETS)


# ---------------------------------------------------------------------- nothing shows a secret


@pytest.mark.parametrize(
    "make",
    [
        lambda: by_key("acc", SECRET),
        lambda: by_sas(HOST, SAS),
        lambda: by_string(f"AccountName=acc;AccountKey={SECRET}"),
    ],
)
def test_representations_show_no_secret(make):
    store = make()
    shown = f"{store!r} {store.server} {store._clients!r} {store._clients._settings!r}"
    client = store._clients._make()
    shown += f" {client!r} {client._client!r}"
    client.close()
    store.close()
    assert not any(secret in shown for secret in SECRETS)
    assert "acc.table.core.windows.net" in store.server
