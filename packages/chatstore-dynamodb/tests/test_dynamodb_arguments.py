"""Names and URLs are checked at once; boto3's refusals are translated."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from dynamodb_harness import client_of
from dynamodb_server import DynamoDBServer

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ChatStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreSetupError,
    StoreUnavailableError,
    open_store,
)
from chatstore.dynamodb import DynamoDBChatStore


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


@pytest.mark.parametrize("name", ["ab", "a" * 256, "a b c", "", None, "a/b/c", "abc\n"])
def test_bad_table_names_are_refused(name: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        DynamoDBChatStore(name)


@pytest.mark.parametrize(
    "options",
    [{"ttl": 0}, {"ttl": "1"}, {"timeout": 0}, {"primary_key": ""}, {"ttl_attribute": "x" * 256}],
)
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        DynamoDBChatStore("chats", **options)


def test_url_takes_all_options(server: DynamoDBServer) -> None:
    table = server.new_table()
    url = f"dynamodb://{table}?region=eu-central-1&ttl=60&timeout=5&ttl_attribute=T&endpoint_url="
    with open_store(url + server.url) as store:
        store.add_message("k", message("a"))
        assert store.count_messages("k") == 1


@pytest.mark.parametrize(
    "url",
    [
        "dynamodb://chats?x=1",
        "dynamodb://chats?ttl=a",
        "dynamodb://chats?ttl=1&ttl=2",
        "dynamodb://chats/other",
        "dynamodb://AKIA:c2VjcmV0@chats",
        "dynamodb://[chats",
        "dynamodb://",
    ],
)
def test_bad_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        open_store(url)
    assert "c2VjcmV0" not in str(caught.value)


def add_to(store: ChatStore) -> BaseException:
    with store, pytest.raises(Exception) as caught:  # noqa: PT011 - the test checks it
        store.add_message("k", message("secret-content"))
    assert "secret-content" not in str(caught.value)
    assert caught.value.__cause__ is not None
    return caught.value


def test_missing_table(server: DynamoDBServer) -> None:
    error = add_to(DynamoDBChatStore("no-such-table", endpoint_url=server.url, create=False))
    assert isinstance(error, StoreSetupError)


def test_missing_credentials(
    server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert isinstance(add_to(DynamoDBChatStore("chats", endpoint_url=server.url)), StoreAccessError)


def test_a_profile_that_boto3_refuses(server: DynamoDBServer) -> None:
    error = add_to(DynamoDBChatStore("chats", profile_name="no-such"))
    assert isinstance(error, InvalidArgumentError)


def test_profile_and_its_region(
    server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "config").write_text("[profile mine]\nregion = us-west-2\nmax_attempts = 7\n")
    store = DynamoDBChatStore("chats", "mine", endpoint_url=server.url)
    client = client_of(store)
    assert client.meta.region_name == "us-west-2"
    assert client.meta.config.retries["total_max_attempts"] == 7
    store.close()


def test_own_retries_are_bounded_and_config_overrides(server: DynamoDBServer) -> None:
    store = DynamoDBChatStore("chats", endpoint_url=server.url, timeout=3)
    config = client_of(store).meta.config
    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (3, 3)
    store.close()
    mine = Config(read_timeout=9, retries={"total_max_attempts": 1})
    store = DynamoDBChatStore("chats", endpoint_url=server.url, config=mine)
    config = client_of(store).meta.config
    assert (config.read_timeout, config.retries["total_max_attempts"]) == (9, 1)
    store.close()


def test_the_callers_client_stays_open(server: DynamoDBServer) -> None:
    client = server.client()
    with DynamoDBChatStore(server.new_table(), client=client) as store:
        store.add_message("k", message("a"))
    assert client.list_tables()["TableNames"]
    client.close()


def test_refused_connection(server: DynamoDBServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    store = DynamoDBChatStore("chats", endpoint_url=f"http://127.0.0.1:{port}", timeout=1)
    assert isinstance(add_to(store), StoreUnavailableError)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", StoreAccessError),
        ("UnrecognizedClientException", StoreAccessError),
        ("ExpiredTokenException", StoreAccessError),
        ("ThrottlingException", StoreUnavailableError),
        ("ProvisionedThroughputExceededException", StoreUnavailableError),
        ("SomethingNew", StoreUnavailableError),
    ],
)
def test_codes_decide(server: DynamoDBServer, code: str, kind: type[ChatStoreError]) -> None:
    table = server.new_table()
    body = f'{{"__type": "com.amazon.coral.service#{code}", "message": "secret-content"}}'
    server.set_fault(every=1, answer=[400, body])
    store = DynamoDBChatStore(table, endpoint_url=server.url, patience=1)
    assert isinstance(add_to(store), kind)
