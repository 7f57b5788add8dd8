"""Lost answers, throttling, rejections: each message is stored once, errors are translated."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azurite_server import ACCOUNT, KEY
from tables_proxy import LOST_REPLY, LOST_REQUEST, Fault, TablesProxy

from chatstore.azure import AzureChatStore
from chatstore.core import (
    ChatMessage,
    ChatStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
    open_store,
)

APPENDS = 1000 if os.environ.get("CHATSTORE_SOAK") else 400


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


def contents(messages: Sequence[ChatMessage]) -> list[Any]:
    return [one.content for one in messages]


def opened(service: TablesProxy, table: str | None = None, **options: Any) -> AzureChatStore:
    table = table or f"Chat{uuid.uuid4().hex}"
    return AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint, **options
    )


@pytest.fixture
def store(service: TablesProxy) -> Iterator[AzureChatStore]:
    with opened(service, timeout=60) as store:
        yield store


@pytest.mark.parametrize("fault", [LOST_REPLY, LOST_REQUEST], ids=["reply", "request"])
def test_appends_under_lost_connections(
    store: AzureChatStore, service: TablesProxy, fault: Fault
) -> None:
    service.fault = lambda number: fault if number % 10 == 9 else None
    expected = [str(number) for number in range(APPENDS)]
    for content in expected[::2]:
        store.add_message("sync", message(content))

    async def append() -> None:
        for content in expected[1::2]:
            await store.async_add_message("async", message(content))

    asyncio.run(append())
    service.fault = lambda _: None
    assert service.counter > APPENDS
    assert contents(store.get_messages("sync")) == expected[::2]
    assert contents(store.get_messages("async")) == expected[1::2]


def test_changes_of_conversations_with_lost_replies(
    store: AzureChatStore, service: TablesProxy
) -> None:
    """Each takes effect once, and the owner's list equals what exists."""
    service.fault = lambda number: LOST_REPLY if number % 7 == 3 else None
    for number in range(8):
        key = f"k{number}"
        store.create_conversation(key, owner="ann", title="t" * 400)
        store.add_messages(key, [ChatMessage(role="user", content=text, id=text) for text in "abc"])
        store.put_message(key, ChatMessage(role="user", content="edited", id="b"))
        assert store.truncate(key, from_id="c") == 1
        renamed = store.update_conversation(key, owner="bob" if number % 2 else "ann")
        assert renamed.length == 2
        if number % 5 == 0:
            store.delete_messages(key)
    listed = {owner: list(store.iter_conversations(owner=owner)) for owner in ("ann", "bob")}
    service.fault = lambda _: None
    assert {one.key for one in listed["ann"]} == {"k2", "k4", "k6"}
    assert {one.key for one in listed["bob"]} == {"k1", "k3", "k7"}
    for one in [*listed["ann"], *listed["bob"]]:
        assert contents(store.get_messages(one.key)) == ["a", "edited"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_commit_is_sent_once(store: AzureChatStore, service: TablesProxy, is_async: bool) -> None:
    store.add_message("k", message("a"))
    service.requests.clear()
    busy = [Fault(answer=(503, "ServerBusy"))]
    service.fault = lambda _: busy.pop() if busy else None
    if is_async:
        asyncio.run(store.async_add_message("k", message("b")))
    else:
        store.add_message("k", message("b"))
    # It may have taken effect: the head says so, and is read before the next commit.
    assert [one.method for one in service.requests] == ["POST", "GET", "POST"]
    assert contents(store.get_messages("k")) == ["a", "b"]


def test_sixteen_writers_on_one_key(service: TablesProxy) -> None:
    table = f"Chat{uuid.uuid4().hex}"

    def append(writer: int) -> None:
        with opened(service, table) as own_store:
            for number in range(8):
                own_store.add_message("k", message(f"{writer} {number}"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(append, range(16)))
    with opened(service, table) as store:
        result = contents(store.get_messages("k"))
    assert len(result) == 16 * 8
    for writer in range(16):
        of_writer = [content for content in result if content.startswith(f"{writer} ")]
        assert of_writer == [f"{writer} {number}" for number in range(8)]


@pytest.mark.parametrize("status", [429, 503])
def test_throttling_is_waited_out(store: AzureChatStore, service: TablesProxy, status: int) -> None:
    busy = Fault(answer=(status, "ServerBusy"))
    service.fault = lambda number: busy if number % 3 == 2 else None
    for number in range(5):
        store.add_message("k", message(str(number)))
    service.fault = lambda _: None
    assert contents(store.get_messages("k")) == [str(number) for number in range(5)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((403, "AuthenticationFailed"), StoreAccessError),
        ((403, "AuthorizationFailure"), StoreAccessError),
        ((404, "TableNotFound"), StoreSetupError),
        ((507, "InsufficientAccountStorage"), StoreFullError),
        ((503, "ServerBusy"), StoreUnavailableError),
        ((500, "InternalError"), StoreUnavailableError),
    ],
)
def test_rejections_are_translated(
    service: TablesProxy, answer: tuple[int, str], kind: type[ChatStoreError]
) -> None:
    with opened(service, patience=1) as store:
        store.add_message("k", message("a"))
        service.fault = lambda _: Fault(answer=answer)
        with pytest.raises(kind) as caught:
            store.add_message("k", message("secret-content"))
        assert caught.value.__cause__ is not None
        assert "secret" not in str(caught.value)
        assert KEY not in str(caught.value)

        async def add() -> None:
            with pytest.raises(kind):
                await store.async_add_message("k", message("b"))
            await store.async_close()

        asyncio.run(add())


def test_silence_ends(service: TablesProxy) -> None:
    table = f"Chat{uuid.uuid4().hex}"
    with opened(service, table) as patient:
        patient.add_message("k", message("a"))
    with opened(service, table, timeout=0.2) as store:
        service.fault = lambda _: Fault(hang=30)
        with pytest.raises(StoreUnavailableError):
            store.count_messages("k")


def test_wrong_key(service: TablesProxy) -> None:
    wrong = KEY.replace("Eby8", "Eby9")
    with (
        AzureChatStore.from_account_and_key(ACCOUNT, wrong, endpoint=service.endpoint) as store,
        pytest.raises(StoreAccessError) as caught,
    ):
        store.count_messages("k")
    assert wrong not in str(caught.value)


def test_setup_creates_a_table_that_calls_do_not_create(service: TablesProxy) -> None:
    with opened(service, create=False) as store:
        with pytest.raises(StoreSetupError, match=r"setup\(\)"):
            store.add_message("k", message("a"))
        store.setup()
        store.setup()
        store.add_message("k", message("a"))
        asyncio.run(store.async_setup())
        assert contents(store.get_messages("k")) == ["a"]


def test_url(service: TablesProxy) -> None:
    scheme, _, rest = service.endpoint.partition("://")
    assert scheme == "http"
    table = f"Chat{uuid.uuid4().hex}"
    url = f"azure-tables+http://{ACCOUNT}:{KEY.replace('/', '%2F')}@{rest}/{table}?ttl=60"
    with open_store(url) as store:
        store.add_message("k", message("a"))
        assert store.get_keys() == ["k"]


class RejectingCredential:
    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise ClientAuthenticationError("secret-reason")


class RecordingCredential:
    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken("secret-token", int(time.time()) + 3600)


def test_tokens_come_from_the_credential() -> None:
    credential = RejectingCredential()
    with (
        AzureChatStore.from_credential("https://127.0.0.1:9", credential, timeout=1) as store,
        pytest.raises(StoreAccessError) as caught,
    ):
        store.count_messages("k")
    assert "secret" not in str(caught.value)
    recording = RecordingCredential()
    store = AzureChatStore.from_credential("https://127.0.0.1:9", recording, timeout=1)
    with pytest.raises(StoreUnavailableError):
        store.count_messages("k")

    async def count() -> None:
        with pytest.raises(StoreUnavailableError):
            await store.async_count_messages("k")
        await store.async_close()

    asyncio.run(count())
    assert len(recording.scopes) >= 2
    with pytest.raises(InvalidArgumentError):
        AzureChatStore.from_credential("http://127.0.0.1:9", recording)
