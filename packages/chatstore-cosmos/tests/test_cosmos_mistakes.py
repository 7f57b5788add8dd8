"""Mistakes with accounts, containers, options and servers: the class, the sentence, the time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from time import time
from typing import Any

import mistakes
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from cosmos_double import CosmosDouble, Fault

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ChatStoreError,
    CorruptStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
    open_store,
)
from chatstore.cosmos import CosmosBackend, CosmosChatStore
from chatstore.cosmos.keys import encode

SECRET = "c2VjcmV0LXNlY3JldA=="
# Not written in the lines that tracebacks quote.
BAD_KEY = "c2VjcmV0!"
SECRETS = [SECRET, "c2VjcmV0", "A fault."]
HOST = "https://acc.documents.azure.com:443/"
MODES = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
# They are also called with arguments of wrong types.
by_key: Any = CosmosChatStore.from_account_and_key
by_string: Any = CosmosChatStore.from_connection_string
by_credential: Any = CosmosChatStore.from_credential


class Credential:
    def get_token(self, *scopes: str, **options: Any) -> Any:
        raise ClientAuthenticationError(f"the secret is {SECRET}")


class AsyncCredential:
    async def get_token(self, *scopes: str, **options: Any) -> Any:
        raise AssertionError


class AsyncContextCredential(Credential):
    async def __aenter__(self) -> Any:
        return self


class SyncClient:
    def get_database_client(self, name: str) -> Any:
        raise AssertionError


class AsyncClient(SyncClient):
    async def __aenter__(self) -> Any:
        return self


def url(text: str) -> Callable[[], ChatStore]:
    return lambda: open_store(text)


def string(text: str) -> Callable[[], ChatStore]:
    return lambda: by_string(text)


WRONG_ARGUMENTS: dict[str, tuple[Callable[[], ChatStore], str]] = {
    "endpoint missing": (lambda: by_key(None, SECRET), "endpoint"),
    "endpoint without scheme": (lambda: by_key("acc.documents.azure.com", SECRET), "endpoint"),
    "endpoint with a key": (lambda: by_key(f"https://:{SECRET}@host", SECRET), "endpoint"),
    "endpoint with a database": (lambda: by_key(f"{HOST}chats", SECRET), "endpoint.*path"),
    "endpoint of letters that change": (lambda: by_key(f"https://a:{SECRET}@h℀", SECRET), "form"),
    "key not base64": (lambda: by_key(HOST, BAD_KEY), "key.*base64"),
    "key missing": (lambda: by_key(HOST, None), "key"),
    "key as a credential": (lambda: by_credential(HOST, SECRET), "credential.*get_token"),
    "class as credential": (lambda: by_credential(HOST, Credential), "credential"),
    "async credential": (lambda: by_credential(HOST, AsyncCredential()), "azure.identity.aio"),
    "async context": (lambda: CosmosChatStore(HOST, AsyncContextCredential()), "async credential"),
    "async client for sync": (lambda: CosmosChatStore(client=AsyncClient()), "client.*an async"),
    "sync client for async": (
        lambda: CosmosChatStore(async_client=SyncClient()),
        "async_client.*a sync",
    ),
    "key as client": (lambda: CosmosChatStore(client=SECRET), "CosmosClient"),
    "nothing": (CosmosChatStore, "from_account_and_key"),
    "azure-identity missing": (lambda: CosmosChatStore.from_aad_token(HOST), "pip install"),
    "database with a slash": (lambda: by_key(HOST, SECRET, database="a/b"), "database"),
    "container with a blank": (lambda: by_key(HOST, SECRET, container="a "), "container"),
    "container with a control": (lambda: by_key(HOST, SECRET, container="a\n"), "container"),
    "container of dots": (lambda: by_key(HOST, SECRET, container=".."), "container"),
    "string of storage": (string(f"AccountName=a;AccountKey={SECRET}"), "AccountEndpoint"),
    "string with a setting twice": (
        string(f"AccountEndpoint={HOST};AccountKey={SECRET};AccountKey=c2VjcmV0"),
        "each once",
    ),
    "url with an unknown option": (url(f"cosmos://:{SECRET}@h/d/c?tt=1"), "'tt'"),
    "url with an option twice": (url(f"cosmos://:{SECRET}@h/d/c?ttl=1&ttl=2"), "given twice"),
    "url with a wrong option": (url(f"cosmos://:{SECRET}@h/d/c?create=no"), "true or false"),
    "url without a container": (url(f"cosmos://:{SECRET}@host/d"), "CONTAINER"),
    "url with a raw key": (url("cosmos://:c2VjcmV0@c2VjcmV0@host/d/c"), "percent"),
    "url of letters that change": (url(f"cosmos://:{SECRET}℀@host/d/c"), "percent"),
    "timeout without end": (lambda: by_key(HOST, SECRET, timeout=float("inf")), "timeout"),
    "timeout as a flag": (lambda: by_key(HOST, SECRET, timeout=True), "timeout"),
    "ttl as a timedelta": (lambda: by_key(HOST, SECRET, ttl=timedelta(1)), "ttl.*total_seconds"),
    "ttl too long": (lambda: by_key(HOST, SECRET, ttl=2**63), "ttl"),
    "no connections": (lambda: by_key(HOST, SECRET, max_connections=0), "max_connections"),
    "weak consistency": (lambda: by_key(HOST, SECRET, consistency="Eventual"), "consistency"),
    "create as text": (lambda: by_key(HOST, SECRET, create="no"), "create"),
}


@pytest.mark.parametrize(("make", "pattern"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_wrong_arguments_are_refused_at_once(
    make: Callable[[], ChatStore], pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)  # as if it were not installed
    mistakes.check(make, InvalidArgumentError, pattern, secrets=SECRETS)


# ---------------------------------------------------------------------- servers


def at(endpoint: str, key: str = SECRET, **options: Any) -> Callable[[], ChatStore]:
    return lambda: by_key(endpoint, key, **{"timeout": 1, **options})


@MODES
def test_wrong_key(double: CosmosDouble, is_async: bool) -> None:
    make = at(double.endpoint)
    mistakes.check(make, StoreAccessError, "not accepted", secrets=SECRETS, is_async=is_async)


ONLY_KEYS = {
    "indexingMode": "consistent",
    "includedPaths": [{"path": "/conversation/?"}],
    "excludedPaths": [{"path": "/*"}],
}


@MODES
def test_missing_container(double: CosmosDouble, is_async: bool) -> None:
    make = at(double.endpoint, double.key, create=False)
    pattern = "no such database or container.*/conversation"
    mistakes.check(make, StoreSetupError, pattern, secrets=[double.key], is_async=is_async)


@MODES
@pytest.mark.parametrize(
    ("key", "policy", "pattern"),
    [
        (PartitionKey("/id"), None, "expected .*/conversation of version 2, found /id"),
        (PartitionKey("/conversation", version=1), None, "found /conversation of version 1"),
        (PartitionKey("/conversation"), {"indexingMode": "none"}, "indexing mode 'none'"),
        (PartitionKey("/conversation"), ONLY_KEYS, "expected an index of /owned/"),
    ],
)
def test_another_container(
    double: CosmosDouble,
    client: CosmosClient,
    key: PartitionKey,
    policy: dict[str, Any] | None,
    pattern: str,
    is_async: bool,
) -> None:
    database = client.create_database("chatstore")
    database.create_container("messages", key, indexing_policy=policy)
    make = at(double.endpoint, double.key)
    mistakes.check(make, StoreSetupError, pattern, secrets=[double.key], is_async=is_async)


@MODES
@pytest.mark.parametrize("level", ["Eventual", "ConsistentPrefix"])
def test_weak_account(level: str, is_async: bool) -> None:
    double = CosmosDouble(consistency=level)
    make = at(double.endpoint, double.key)
    pattern = f"found {level}.*default consistency"
    mistakes.check(make, StoreSetupError, pattern, secrets=[double.key], is_async=is_async)
    double.close()


@MODES
def test_refused_connection(is_async: bool) -> None:
    make = at(f"http://127.0.0.1:{mistakes.refused_port()}/")
    pattern = "connection refused.*endpoint"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_unknown_host(is_async: bool) -> None:
    make = at("http://no-such-host.invalid/")
    pattern = "unknown host name"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_tls_to_a_plain_port(double: CosmosDouble, is_async: bool) -> None:
    make = at(double.endpoint.replace("http:", "https:"))
    mistakes.check(make, StoreUnavailableError, "TLS failed", secrets=SECRETS, is_async=is_async)


@MODES
def test_silence(is_async: bool) -> None:
    with mistakes.silent_port() as port:
        make = at(f"http://127.0.0.1:{port}/", timeout=0.2)
        mistakes.check(
            make,
            StoreUnavailableError,
            "no answer in time",
            secrets=SECRETS,
            is_async=is_async,
        )


@MODES
@pytest.mark.parametrize("status", [200, 404, 405])
def test_another_server(status: int, is_async: bool) -> None:
    with mistakes.web_server(status) as port:
        make = at(f"http://127.0.0.1:{port}/")
        mistakes.check(make, StoreSetupError, "endpoint", secrets=SECRETS, is_async=is_async)


@MODES
def test_credential_without_a_token(is_async: bool) -> None:
    make = lambda: by_credential("https://127.0.0.1:9/", Credential())
    pattern = "credential gives no token"
    mistakes.check(make, StoreAccessError, pattern, secrets=SECRETS, is_async=is_async)


ANSWERS = {
    "key renewed": (Fault(401), StoreAccessError, "not accepted"),
    "right is missing": (Fault(403, substatus=5300), StoreAccessError, "README"),
    "partition full": (Fault(403, substatus=1014), StoreFullError, "20 GB"),
    "container deleted": (Fault(404, substatus=1003), StoreSetupError, "no such"),
    "replica behind": (Fault(404, substatus=1002), StoreUnavailableError, "replicas"),
    "too slow": (Fault(408), StoreUnavailableError, "too slow"),
    "moving": (Fault(410, substatus=1002), StoreUnavailableError, "moves"),
    "throttled": (Fault(429, retry_after_ms=50), StoreUnavailableError, "request units"),
    "conflicts": (Fault(449), StoreUnavailableError, "other clients write"),
    "internal": (Fault(500), StoreUnavailableError, "internal"),
    "away": (Fault(503), StoreUnavailableError, "not available"),
    "new error": (Fault(418), StoreUnavailableError, "HTTP status 418"),
}


@MODES
@pytest.mark.parametrize(("fault", "kind", "pattern"), ANSWERS.values(), ids=ANSWERS)
def test_answers(
    double: CosmosDouble,
    client: CosmosClient,
    fault: Fault,
    kind: type[ChatStoreError],
    pattern: str,
    is_async: bool,
) -> None:
    database = client.create_database("chatstore")
    database.create_container("messages", PartitionKey("/conversation"), default_ttl=-1)
    double.fault = lambda request: fault if request.kind in {"read", "batch"} else None
    # The SDK repeats requests for half a second; on a busy machine this takes longer.
    make = at(double.endpoint, double.key, timeout=60, patience=1)
    secrets = [*SECRETS, double.key]
    mistakes.check(make, kind, pattern, secrets=secrets, is_async=is_async)


@MODES
@pytest.mark.parametrize("minutes", [-17, 17])
def test_wrong_clock(
    double: CosmosDouble, client: CosmosClient, minutes: int, is_async: bool
) -> None:
    client.create_database("chatstore").create_container(
        "messages", PartitionKey("/conversation"), default_ttl=-1
    )
    date = formatdate(time() - 60 * minutes, usegmt=True)
    fault = Fault(403, headers=(("Date", date),))
    double.fault = lambda request: fault if request.kind == "read" else None
    pattern = "clock is wrong by about 17 minutes"
    make = at(double.endpoint, double.key)
    mistakes.check(make, StoreAccessError, pattern, secrets=[double.key], is_async=is_async)


# ---------------------------------------------------------------------- foreign items


@pytest.mark.parametrize("body", [None, 7, ["a"], {"a": 1}, ""])
def test_a_head_of_another_type_is_reported(
    double: CosmosDouble, client: CosmosClient, body: Any
) -> None:
    with by_key(double.endpoint, double.key) as store:
        store.add_message("other", ChatMessage(role="user", content="a"))
        container = client.get_database_client("chatstore").get_container_client("messages")
        container.upsert_item({"id": "head", "conversation": encode("k"), "body": body})
        calls: dict[str, Callable[[], Any]] = {
            "get_messages": lambda: store.get_messages("k"),
            "count_messages": lambda: store.count_messages("k"),
            "add_message": lambda: store.add_message("k", ChatMessage(role="user", content="a")),
            "iter_keys": lambda: list(store.iter_keys()),
        }
        for name, call in calls.items():
            with pytest.raises(CorruptStoreError, match=name):
                call()
        assert store.count_messages("other") == 1


def test_a_container_that_is_deleted_later_is_missing_not_empty(
    double: CosmosDouble, client: CosmosClient
) -> None:
    with by_key(double.endpoint, double.key) as store:
        store.add_message("k", ChatMessage(role="user", content="a"))
        client.get_database_client("chatstore").delete_container("messages")
        with pytest.raises(StoreSetupError, match="no such database or container"):
            store.get_messages("k")


# ---------------------------------------------------------------------- nothing shows a secret


def test_representations_show_no_secret(double: CosmosDouble) -> None:
    with by_key(double.endpoint, double.key) as store:
        store.count_messages("k")
        backend = store.backend
        assert isinstance(backend, CosmosBackend)
        clients = backend._clients
        client: Any = clients.get().client
        shown = f"{store!r} {backend!r} {clients!r} {clients._settings!r} {client!r}"
        assert double.key not in shown
        assert "chatstore/messages" in store.server


def test_clients_of_the_wrong_mode_are_refused(double: CosmosDouble) -> None:
    async_client: Any = AsyncCosmosClient(double.endpoint, double.key)
    with CosmosClient(double.endpoint, double.key) as client:
        CosmosChatStore(client=client, async_client=async_client)
        with pytest.raises(InvalidArgumentError, match="client"):
            CosmosChatStore(client=async_client)
        with pytest.raises(InvalidArgumentError, match="async_client"):
            CosmosChatStore(async_client=client)
