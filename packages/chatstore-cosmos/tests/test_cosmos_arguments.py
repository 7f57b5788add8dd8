"""Arguments, connection strings and URLs are checked; nothing that is printed shows a key."""

from __future__ import annotations

import traceback
from typing import Any
from urllib.parse import quote

import pytest
from cosmos_double import CosmosDouble

from chatstore.core import ChatMessage, ChatStore, InvalidArgumentError, open_store
from chatstore.core.cursors import write_cursor
from chatstore.cosmos import CosmosBackend, CosmosChatStore
from chatstore.cosmos.address import read_connection_string
from chatstore.cosmos.keys import decode, encode
from chatstore.cosmos.settings import CosmosSettings
from chatstore.cosmos.urls import read_url

ENDPOINT = "https://account.documents.azure.com:443/"
KEY = "c2VjcmV0LXNlY3JldC9zZWNyZXQrc2VjcmV0c2VjcmV0+/=="[:44]


@pytest.mark.parametrize(
    "endpoint",
    [None, "", 7, "account.documents.azure.com", "https://", "https://host:port", "https://[::1",
     f"https://:{quote(KEY)}@host", "https://host/?a=b", "https://host/#a", "ftp://host",
     "https://host/database"],
)  # fmt: skip
def test_wrong_endpoint(endpoint: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="endpoint") as caught:
        CosmosChatStore.from_account_and_key(endpoint, KEY)
    assert quote(KEY) not in str(caught.value)


@pytest.mark.parametrize("key", [None, "", 7, "no base 64!", "secret"])
def test_wrong_key(key: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="key") as caught:
        CosmosChatStore.from_account_and_key(ENDPOINT, key)
    assert "secret" not in "".join(traceback.format_exception(caught.value)).replace('"secret"', "")


@pytest.mark.parametrize("name", ["", 7, "a/b", "a\\b", "a?b", "a#b", "x" * 256])
@pytest.mark.parametrize("option", ["database", "container"])
def test_wrong_name(option: str, name: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=option):
        CosmosChatStore.from_account_and_key(ENDPOINT, KEY, **{option: name})


@pytest.mark.parametrize(
    "options",
    [{"ttl": 0}, {"ttl": "1"}, {"timeout": 0}, {"timeout": True}, {"timeout": "1"},
     {"patience": -1},
     {"consistency": "Eventual"}, {"consistency": "ConsistentPrefix"}, {"consistency": 1}],
)  # fmt: skip
def test_wrong_option(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        CosmosChatStore.from_account_and_key(ENDPOINT, KEY, **options)


def test_no_account_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match="from_account_and_key"):
        CosmosChatStore()


@pytest.mark.parametrize("credential", [None, "token", 7])
def test_wrong_credential(credential: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="credential"):
        CosmosChatStore.from_credential(ENDPOINT, credential)


@pytest.mark.parametrize(
    "text", [None, "", "AccountEndpoint=https://h", f"AccountKey={KEY}", "no pairs at all"]
)
def test_wrong_connection_string(text: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="AccountEndpoint") as caught:
        CosmosChatStore.from_connection_string(text)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_connection_string() -> None:
    text = f"AccountEndpoint={ENDPOINT};AccountKey={KEY};"
    assert read_connection_string(text) == (ENDPOINT, KEY)


def test_url() -> None:
    url = f"cosmos://:{quote(KEY, safe='')}@host:8081/my%20base/messages?ttl=60&create=false"
    address, key, options = read_url(url)
    assert address == ("https://host:8081/", "my base", "messages")
    assert key == KEY
    assert options == {"ttl": 60.0, "create": False}
    assert KEY not in repr(read_url(url))
    assert read_url(url.replace("cosmos:", "cosmos+http:"))[0].endpoint == "http://host:8081/"


@pytest.mark.parametrize(
    "url",
    ["cosmos://host/d/c", "cosmos://:KEY@host/d", "cosmos://:KEY@host/d/c/e", "cosmos://:KEY@host",
     "cosmos://user:KEY@host/d/c", "cosmos://:KEY@host/d/c#x", "cosmos://:KEY@host/d/c?x=1",
     "cosmos://:KEY@host/d/c?ttl=x", "cosmos://:KEY@host/d/c?create=maybe",
     "cosmos://:KEY@host/d/c?ttl=1&ttl=2", "cosmos://:KEY@[::1/d/c", "cosmos://:no*@host/d/c"],
)  # fmt: skip
def test_wrong_url(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        open_store(url.replace("KEY", quote(KEY, safe="")))
    assert quote(KEY, safe="") not in "".join(traceback.format_exception(caught.value))


def test_url_opens_a_store(double: CosmosDouble) -> None:
    host = double.endpoint.removeprefix("http://").strip("/")
    url = f"cosmos+http://:{quote(double.key, safe='')}@{host}/chats/messages?ttl=60&timeout=5"
    with open_store(url) as store:
        store.add_message("k", ChatMessage(role="user", content="a"))
        assert store.get_keys() == ["k"]
    assert list(double.service.databases) == ["chats"]
    assert list(double.service.databases["chats"]) == ["messages"]


def test_options_by_keyword_override_those_of_the_url() -> None:
    url = f"cosmos://:{quote(KEY, safe='')}@host/chats/messages?ttl=60&timeout=5&patience=1"
    settings = _settings(CosmosChatStore.from_url(url, ttl=7, container="other", create=False))
    assert settings.address == ("https://host/", "chats", "other")
    assert (settings.ttl, settings.timeout, settings.patience) == (7.0, 5.0, 1.0)
    assert not settings.create


def test_a_backend_makes_a_store(double: CosmosDouble) -> None:
    with CosmosChatStore.from_account_and_key(double.endpoint, double.key) as facade:
        settings = _settings(facade)
    message = ChatMessage(role="user", content="a")
    with ChatStore(CosmosBackend(settings)) as store:
        store.add_message("k", message)
        assert store.get_messages("k") == [message]


def test_store_shows_no_key() -> None:
    store = CosmosChatStore.from_account_and_key(ENDPOINT, KEY)
    assert KEY not in repr(store)
    assert KEY not in repr(_settings(store))


def _settings(store: ChatStore) -> CosmosSettings:
    backend = store.backend
    assert isinstance(backend, CosmosBackend)
    return backend._clients._settings


@pytest.mark.parametrize(
    "text", ["", "a", "a/b\\c?d#e", "é\0😀\n", "=2F", "%2F", "x" * 255, "😀" * 63]
)
def test_names_come_back(text: str) -> None:
    name = encode(text)
    assert decode(name) == text
    assert len(name) <= 3 * len(text.encode())
    assert name.isascii()
    assert not set(name) & set("/\\?# %")


@pytest.mark.parametrize("name", ["a/b", "=2f", "=41", "=", "=F", "=FF", "é"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"not an encoded name|codec"):
        decode(name)


def test_prefixes_are_preserved() -> None:
    text = "user:é/😀#1"
    for end in range(len(text)):
        assert encode(text).startswith(encode(text[:end]))


@pytest.mark.parametrize("owner", [None, "ann"])
@pytest.mark.parametrize("position", [5.5, True, [1], {"a": 5}])
def test_a_cursor_of_another_form_is_refused(
    double: CosmosDouble, owner: str | None, position: object
) -> None:
    with CosmosChatStore.from_account_and_key(double.endpoint, double.key) as store:
        cursor = write_cursor(position, store.backend.server, owner)
        with pytest.raises(InvalidArgumentError, match="not a cursor"):
            store.list_conversations(owner=owner, cursor=cursor)
