"""Clients: the caller's, those of event loops, their session, their credentials, their end."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from cosmos_double import CosmosDouble, Fault

from chatstore.core import (
    ChatMessage,
    InvalidArgumentError,
    StoreAccessError,
    StoreClosedError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.cosmos import CosmosChatStore


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def contents(messages: Sequence[ChatMessage]) -> list[Any]:
    return [one.content for one in messages]


def open_on(double: CosmosDouble, **options: Any) -> CosmosChatStore:
    return CosmosChatStore.from_account_and_key(double.endpoint, double.key, **options)


# ---------------------------------------------------------------------- first use


def test_first_use_makes_database_and_container(double: CosmosDouble) -> None:
    with open_on(double, database="chats", container="talk") as store:
        store.add_message("k", message("a"))
    properties = double.service.databases["chats"]["talk"].properties
    assert properties["partitionKey"]["paths"] == ["/conversation"]
    assert properties["partitionKey"]["version"] == 2
    assert properties["defaultTtl"] == -1
    assert properties["indexingPolicy"]["excludedPaths"] == [{"path": "/*"}]


def test_setup_creates_a_container_that_calls_do_not_create(double: CosmosDouble) -> None:
    with open_on(double, create=False) as store:
        with pytest.raises(StoreSetupError, match=r"messages.*setup\(\)"):
            store.add_message("k", message("a"))
        store.setup()
        store.setup()
        store.add_message("k", message("a"))
        asyncio.run(store.async_setup())
        assert store.count_messages("k") == 1


def test_a_container_that_another_store_creates_is_found(double: CosmosDouble) -> None:
    with open_on(double, create=False) as store:
        with pytest.raises(StoreSetupError, match="messages"):
            store.add_message("k", message("a"))
        with open_on(double) as other:
            other.add_message("k", message("a"))
        assert store.count_messages("k") == 1


def test_sixteen_stores_make_it_at_once(double: CosmosDouble) -> None:
    stores = [open_on(double) for _ in range(16)]
    barrier = threading.Barrier(16)

    def work(store: CosmosChatStore) -> None:
        barrier.wait(30)
        store.add_message("k", message("a"))

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].count_messages("k") == 16
    for store in stores:
        store.close()


@pytest.mark.parametrize("key", [PartitionKey("/id"), PartitionKey("/conversation", version=1)])
def test_other_containers_are_refused(double: CosmosDouble, key: Any) -> None:
    with CosmosClient(double.endpoint, double.key) as client:
        client.create_database("chatstore").create_container("messages", key)
    with open_on(double) as store, pytest.raises(StoreSetupError, match="partition key"):
        store.add_message("k", message("a"))


# ---------------------------------------------------------------------- consistency


def test_store_reads_its_own_writes_across_modes_and_loops(double: CosmosDouble) -> None:
    double.service.lag = 50
    with open_on(double) as store:
        for number in range(10):
            store.add_message("k", message("plain"))
            assert asyncio.run(store.async_count_messages("k")) == 2 * number + 1
            asyncio.run(store.async_add_message("k", message("async")))
            assert len(store.get_messages("k")) == store.count_messages("k") == 2 * number + 2


def test_stores_that_see_old_states_still_lose_nothing(double: CosmosDouble) -> None:
    with open_on(double) as one, open_on(double) as other:
        one.add_message("k", message("begin"))
        other.add_message("k", message("begin too"))
        double.service.lag = 5
        for number in range(5):
            one.add_message("k", message(f"one {number}"))
            other.add_message("k", message(f"other {number}"))
        double.service.lag = 0
        result = contents(one.get_messages("k"))
    expected = [f"{name} {n}" for n in range(5) for name in ("one", "other")]
    assert result == ["begin", "begin too", *expected]


@pytest.mark.parametrize("level", ["Eventual", "ConsistentPrefix"])
def test_accounts_of_weaker_consistency_are_refused(level: str) -> None:
    double = CosmosDouble(consistency=level)
    with open_on(double) as store, pytest.raises(StoreSetupError, match=level):
        store.add_message("k", message("a"))
    double.close()


# ---------------------------------------------------------------------- the caller's clients


def test_the_callers_clients_are_used_and_stay_open(double: CosmosDouble) -> None:
    async def scenario(client: CosmosClient) -> None:
        async with AsyncCosmosClient(double.endpoint, double.key) as async_client:
            store = CosmosChatStore(client=client, async_client=async_client)
            await store.async_add_message("k", message("a"))
            assert store.count_messages("k") == 1
            await store.async_close()
            with pytest.raises(StoreClosedError):
                store.count_messages("k")
            assert (await async_client.get_database_client("chatstore").read())["id"]

    with CosmosClient(double.endpoint, double.key) as client:
        asyncio.run(scenario(client))
        assert client.get_database_client("chatstore").read()["id"] == "chatstore"


def test_the_missing_client_is_named(double: CosmosDouble) -> None:
    with (
        CosmosClient(double.endpoint, double.key) as client,
        CosmosChatStore(client=client) as store,
        pytest.raises(InvalidArgumentError, match="async_client"),
    ):
        asyncio.run(store.async_count_messages("k"))


def test_async_client_must_be_entered(double: CosmosDouble) -> None:
    async def scenario() -> None:
        client = AsyncCosmosClient(double.endpoint, double.key)
        try:
            with pytest.raises(InvalidArgumentError, match="async with"):
                await CosmosChatStore(async_client=client).async_count_messages("k")
        finally:
            await client.close()

    asyncio.run(scenario())


class Credential:
    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        assert scopes
        return AccessToken("known", int(time.time()) + 3600)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")  # the certificate is the double's own
def test_credential_serves_both_modes() -> None:
    double = CosmosDouble(tls=True)
    double.tokens.add("known")
    with CosmosChatStore.from_credential(double.endpoint, Credential()) as store:
        store.add_message("k", message("a"))
        assert asyncio.run(store.async_count_messages("k")) == 1
    double.tokens.clear()
    with (
        CosmosChatStore.from_credential(double.endpoint, Credential()) as store,
        pytest.raises(StoreAccessError),
    ):
        store.add_message("k", message("a"))
    double.close()


def test_wrong_key_is_reported_and_not_shown(double: CosmosDouble) -> None:
    key = "bm90IHRoZSByaWdodCBrZXk="
    with (
        CosmosChatStore.from_account_and_key(double.endpoint, key) as store,
        pytest.raises(StoreAccessError) as caught,
    ):
        store.add_message("k", message("a"))
    assert key not in str(caught.value)
    assert caught.value.__cause__ is not None


# ---------------------------------------------------------------------- bounds and ends


def test_nobody_answers() -> None:
    began = time.monotonic()
    with CosmosChatStore.from_account_and_key("http://127.0.0.1:9/", "a2V5", timeout=1) as store:
        with pytest.raises(StoreUnavailableError):
            store.add_message("k", message("a"))
        with pytest.raises(StoreUnavailableError):
            asyncio.run(store.async_add_message("k", message("a")))
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("fault", [Fault(429, retry_after_ms=50), Fault(449), Fault(503), Fault()])
def test_service_that_always_fails_is_reported_in_time(double: CosmosDouble, fault: Fault) -> None:
    with open_on(double) as patient, open_on(double, timeout=1, patience=1) as store:
        patient.add_message("k", message("a"))
        double.fault = lambda request: fault if request.kind == "batch" else None
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            store.add_message("k", message("b"))
        assert time.monotonic() - began < 60
        double.fault = lambda request: None
        assert contents(patient.get_messages("k")) == ["a"]


def test_a_loop_closes_its_connections(double: CosmosDouble) -> None:
    store = open_on(double)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(store.async_add_message("k", message("a")))
        gc.collect()
    assert [warning for warning in caught if warning.category is ResourceWarning] == []
    store.close()


def test_import_loads_no_client() -> None:
    code = "import sys, chatstore.cosmos; print([m for m in sys.modules if m.startswith('azure')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
