"""Lost answers, throttling, refusals: each message is there once, and errors are ours."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azurite_server import ACCOUNT, KEY
from tables_proxy import LOST_REPLY, LOST_REQUEST, Fault

from chatstore.azure import AzureChatStore
from chatstore.core import (
    ChatMessage,
    InvalidArgumentError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
    open_store,
)

APPENDS = 1000 if os.environ.get("CHATSTORE_SOAK") else 400


def say(text):
    return ChatMessage(role="user", content=text)


def texts(messages):
    return [message.content for message in messages]


def opened(service, table=None, **options):
    table = table or f"Chat{uuid.uuid4().hex}"
    return AzureChatStore.from_account_and_key(
        ACCOUNT, KEY, table, endpoint=service.endpoint, **options
    )


@pytest.fixture
def store(service):
    with opened(service, timeout=5) as store:
        yield store


@pytest.mark.parametrize("fault", [LOST_REPLY, LOST_REQUEST], ids=["reply", "request"])
def test_appends_under_lost_connections(store, service, fault):
    service.fault = lambda number: fault if number % 10 == 9 else None
    expected = [str(number) for number in range(APPENDS)]
    for text in expected[::2]:
        store.add_message("sync", say(text))

    async def append():
        for text in expected[1::2]:
            await store.async_add_message("async", say(text))

    asyncio.run(append())
    service.fault = lambda _: None
    assert service.counter > APPENDS
    assert texts(store.get_messages("sync")) == expected[::2]
    assert texts(store.get_messages("async")) == expected[1::2]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_commit_is_sent_once(store, service, is_async):
    store.add_message("k", say("a"))
    service.requests.clear()
    busy = [Fault(answer=(503, "ServerBusy"))]
    service.fault = lambda _: busy.pop() if busy else None
    if is_async:
        asyncio.run(store.async_add_message("k", say("b")))
    else:
        store.add_message("k", say("b"))
    # It may have taken effect: the head tells, before the next commit.
    assert [one.method for one in service.requests] == ["POST", "GET", "POST"]
    assert texts(store.get_messages("k")) == ["a", "b"]


def test_sixteen_writers_on_one_key(service):
    table = f"Chat{uuid.uuid4().hex}"

    def append(writer):
        with opened(service, table) as mine:
            for number in range(8):
                mine.add_message("k", say(f"{writer} {number}"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(append, range(16)))
    with opened(service, table) as store:
        said = texts(store.get_messages("k"))
    assert len(said) == 16 * 8
    for writer in range(16):
        mine = [text for text in said if text.startswith(f"{writer} ")]
        assert mine == [f"{writer} {number}" for number in range(8)]


@pytest.mark.parametrize("status", [429, 503])
def test_throttling_is_waited_out(store, service, status):
    busy = Fault(answer=(status, "ServerBusy"))
    service.fault = lambda number: busy if number % 3 == 2 else None
    for number in range(5):
        store.add_message("k", say(str(number)))
    service.fault = lambda _: None
    assert texts(store.get_messages("k")) == [str(number) for number in range(5)]


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
def test_refusals_are_ours(service, answer, kind, monkeypatch):
    monkeypatch.setattr(AzureChatStore, "patience", 1.0)
    with opened(service, timeout=1) as store:
        store.add_message("k", say("a"))
        service.fault = lambda _: Fault(answer=answer)
        with pytest.raises(kind) as caught:
            store.add_message("k", say("secret-content"))
        assert caught.value.__cause__ is not None
        assert "secret" not in str(caught.value)
        assert KEY not in str(caught.value)

        async def add():
            with pytest.raises(kind):
                await store.async_add_message("k", say("b"))
            await store.async_close()

        asyncio.run(add())


def test_silence_ends(service):
    with opened(service, timeout=0.2) as store:
        store.add_message("k", say("a"))
        service.fault = lambda _: Fault(hang=30)
        with pytest.raises(StoreUnavailableError):
            store.count_messages("k")


def test_wrong_key(service):
    wrong = KEY.replace("Eby8", "Eby9")
    with (
        AzureChatStore.from_account_and_key(ACCOUNT, wrong, endpoint=service.endpoint) as store,
        pytest.raises(StoreAccessError) as caught,
    ):
        store.count_messages("k")
    assert wrong not in str(caught.value)


def test_table_that_nobody_made(service):
    with opened(service, create_table=False) as store, pytest.raises(StoreSetupError):
        store.add_message("k", say("a"))


def test_url(service):
    scheme, _, rest = service.endpoint.partition("://")
    assert scheme == "http"
    table = f"Chat{uuid.uuid4().hex}"
    url = f"azure-tables+http://{ACCOUNT}:{KEY.replace('/', '%2F')}@{rest}/{table}?ttl=60"
    with open_store(url) as store:
        store.add_message("k", say("a"))
        assert store.get_keys() == ["k"]


class Refusing:
    def get_token(self, *scopes, **options):
        raise ClientAuthenticationError("secret-reason")


class Counting:
    def __init__(self):
        self.scopes = []

    def get_token(self, *scopes, **options):
        self.scopes += scopes
        return AccessToken("secret-token", int(time.time()) + 3600)


def test_credentials_are_asked_for_tokens():
    credential = Refusing()
    with (
        AzureChatStore.from_credential("https://127.0.0.1:9", credential, timeout=1) as store,
        pytest.raises(StoreAccessError) as caught,
    ):
        store.count_messages("k")
    assert "secret" not in str(caught.value)
    counting = Counting()
    store = AzureChatStore.from_credential("https://127.0.0.1:9", counting, timeout=1)
    with pytest.raises(StoreUnavailableError):
        store.count_messages("k")

    async def count():
        with pytest.raises(StoreUnavailableError):
            await store.async_count_messages("k")
        await store.async_close()

    asyncio.run(count())
    assert len(counting.scopes) >= 2
    with pytest.raises(InvalidArgumentError):
        AzureChatStore.from_credential("http://127.0.0.1:9", counting)
