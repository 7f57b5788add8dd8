"""Mistakes with tables, options, credentials and servers: the error, its message, its time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import boto3
import botocore.session
import mistakes
import pytest
from dynamodb_harness import client_of
from dynamodb_server import DynamoDBServer
from typing_extensions import Self

from chatstore.core import (
    ChatMessage,
    CorruptStoreError,
    InvalidArgumentError,
    StoreAccessError,
    StoreSetupError,
    StoreUnavailableError,
    open_store,
)
from chatstore.dynamodb import DynamoDBChatStore
from chatstore.dynamodb.backend import DynamoDBBackend
from chatstore.dynamodb.errors import MEANINGS

SECRET = "wJalrXUtnFEMI-K7MDENG"
SECRETS = [SECRET, "123456789012"]
MODES = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/chats"
TOKEN = f"AKIAEXAMPLE:{SECRET}"


class AsyncClient:
    async def __aenter__(self) -> Self:
        return self

    async def transact_write_items(self, **request: Any) -> Any:
        raise AssertionError


class AsyncSession(botocore.session.Session):  # type: ignore[misc] # botocore has no types
    __module__ = "aiobotocore.session"


def store(*args: Any, **options: Any) -> Callable[[], DynamoDBChatStore]:
    return lambda: DynamoDBChatStore(*(args or ("chats",)), **options)


def url(text: str) -> Callable[[], Any]:
    return lambda: open_store(text)


def resource() -> Any:
    return boto3.resource(
        "dynamodb",
        region_name="eu-central-1",
        aws_access_key_id="AKIA",
        aws_secret_access_key=SECRET,
    )


def s3() -> Any:
    return boto3.client("s3", region_name="eu-central-1")


ARGUMENTS: dict[str, tuple[Callable[[], Any], str]] = {
    "table with a blank": (store("my table"), "'my table' is not a table name"),
    "table too short": (store("ab"), "3 to 255"),
    "table missing": (store(None), "table name"),
    "url as table": (store(f"https://{TOKEN}@host"), "table name"),
    "region of another ARN": (store(ARN, region_name="us-east-1"), "eu-central-1.*us-east-1"),
    "region with a blank": (store(region_name="a b"), "region_name"),
    "endpoint without scheme": (store(endpoint_url="localhost:8000"), "endpoint_url"),
    "endpoint with a key": (store(endpoint_url=f"http://{TOKEN}@host"), "endpoint_url"),
    "endpoint with a query": (store(endpoint_url=f"http://host?k={SECRET}"), "endpoint_url"),
    "endpoint of letters that change": (store(endpoint_url=f"http://{TOKEN}@h℀"), "form"),
    "endpoint with a wrong port": (store(endpoint_url="http://host:port"), "form"),
    "key of the layout": (store(primary_key="b"), "primary_key must not be 'b'"),
    "key missing": (store(primary_key=""), "primary_key"),
    "ttl on the key": (store(ttl_attribute="SessionId"), "differ"),
    "profile missing": (store(profile_name=""), "profile_name"),
    "half of a pair": (store(aws_access_key_id="AKIA"), "together"),
    "secret as bytes": (
        store(aws_access_key_id="AKIA", aws_secret_access_key=SECRET.encode()),
        "aws_secret_access_key.*bytes",
    ),
    "async client": (store(client=AsyncClient()), "client.*sync.*boto3"),
    "resource as client": (lambda: DynamoDBChatStore("chats", client=resource()), "meta.client"),
    "other service": (lambda: DynamoDBChatStore("chats", client=s3()), "client"),
    "text as client": (store(client=SECRET), "client"),
    "async session": (store(botocore_session=AsyncSession()), "botocore_session.*async"),
    "boto3 session": (
        lambda: DynamoDBChatStore("chats", botocore_session=boto3.Session()),
        "botocore_session",
    ),
    "dict as config": (store(config={"timeout": 1}), "config"),
    "config twice": (store(config=1, botocore_config=2), "the same option"),
    "ttl twice": (store(ttl=1, ttl_seconds=2), "the same option"),
    "url with a key": (url(f"dynamodb://{TOKEN}@chats"), "credentials"),
    "url with an unknown option": (url("dynamodb://chats?regoin=eu"), "'regoin'.*known.*region"),
    "url with an option twice": (url("dynamodb://chats?ttl=1&ttl=2"), "given twice"),
    "url with a wrong option": (url("dynamodb://chats?timeout=x"), "'timeout'.*seconds"),
    "url with a path": (url("dynamodb://chats/other"), "form"),
    "timeout without end": (store(timeout=float("inf")), "timeout"),
    "timeout as a flag": (store(timeout=True), "timeout"),
    "ttl as a timedelta": (store(ttl=timedelta(1)), "ttl.*total_seconds"),
    "ttl too long": (store(ttl=2**63), "ttl"),
    "no connections": (store(max_connections=0), "max_connections"),
}


@pytest.mark.parametrize(("make", "pattern"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_wrong_arguments_are_refused_at_once(make: Callable[[], Any], pattern: str) -> None:
    mistakes.check(make, InvalidArgumentError, pattern, secrets=SECRETS)


# ---------------------------------------------------------------------- servers


@MODES
def test_missing_table(server: DynamoDBServer, is_async: bool) -> None:
    make = store("no-such-table", endpoint_url=server.url, create=False)
    pattern = r"'no-such-table'.*no such table.*setup\(\)"
    mistakes.check(make, StoreSetupError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_missing_credentials(
    server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_async: bool
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "missing"))
    make = store(endpoint_url=server.url)
    pattern = "AWS_ACCESS_KEY_ID"
    mistakes.check(make, StoreAccessError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_missing_profile(server: DynamoDBServer, is_async: bool) -> None:
    make = store(profile_name="no-such")
    pattern = "no such profile"
    mistakes.check(make, InvalidArgumentError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_missing_region(
    server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_async: bool
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "missing"))
    pattern = "region_name"
    mistakes.check(store(), InvalidArgumentError, pattern, secrets=SECRETS, is_async=is_async)


def test_unreadable_configuration(
    server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("no section at all")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    make = store(endpoint_url=server.url)
    mistakes.check(make, InvalidArgumentError, "configuration", secrets=SECRETS)


@MODES
def test_refused_connection(server: DynamoDBServer, is_async: bool) -> None:
    make = store(endpoint_url=f"http://127.0.0.1:{mistakes.refused_port()}")
    pattern = "connection refused.*endpoint_url"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_unknown_host(server: DynamoDBServer, is_async: bool) -> None:
    make = store(endpoint_url="http://no-such-host.invalid")
    pattern = "unknown host name"
    mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
def test_tls_to_a_plain_port(server: DynamoDBServer, is_async: bool) -> None:
    make = store(endpoint_url=server.url.replace("http:", "https:"))
    mistakes.check(make, StoreUnavailableError, "TLS failed", secrets=SECRETS, is_async=is_async)


@MODES
def test_silence(server: DynamoDBServer, is_async: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with mistakes.silent_port() as port:
        make = store(endpoint_url=f"http://127.0.0.1:{port}", timeout=0.2, patience=1)
        pattern = "no answer in time"
        mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


@MODES
@pytest.mark.parametrize("status", [200, 404])
def test_another_server(server: DynamoDBServer, status: int, is_async: bool) -> None:
    with mistakes.web_server(status) as port:
        make = store(endpoint_url=f"http://127.0.0.1:{port}")
        pattern = "not DynamoDB" if status == 200 else "HTTP status 404|answers 404"
        mistakes.check(make, StoreUnavailableError, pattern, secrets=SECRETS, is_async=is_async)


def answer(code: str, **more: Any) -> list[Any]:
    return [400, json.dumps({"__type": f"com.amazon#{code}", "message": SECRET, **more})]


@MODES
@pytest.mark.parametrize("code", [*MEANINGS, "SomethingNew"])
def test_answers(
    server: DynamoDBServer, code: str, is_async: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    meaning = MEANINGS.get(code)
    kind = meaning.kind if meaning else StoreUnavailableError
    pattern = meaning.text[:20] if meaning else "SomethingNew"
    if code in {"RequestExpired", "RequestTimeTooSkewed"}:
        pattern = "clock of this machine is wrong: set it"
    server.set_fault(every=1, answer=answer(code))
    make = store(endpoint_url=server.url, patience=1, create=False)
    mistakes.check(make, kind, pattern, secrets=SECRETS, is_async=is_async)


@MODES
@pytest.mark.parametrize("minutes", [-17, 17])
def test_wrong_clock(server: DynamoDBServer, minutes: int, is_async: bool) -> None:
    date = formatdate(time() - 60 * minutes, usegmt=True)
    server.set_fault(every=1, answer=answer("InvalidSignatureException"), date=date)
    pattern = "clock of this machine is wrong by about 17 minutes"
    make = store(endpoint_url=server.url)
    mistakes.check(make, StoreAccessError, pattern, secrets=SECRETS, is_async=is_async)


# ---------------------------------------------------------------------- items of other programs


@pytest.mark.parametrize(
    "damage",
    [
        {"b": None},
        {"v": None},
        {"b": {"N": "7"}},
        {"b": {"B": b"7"}},
        {"b": {"L": []}},
        {"v": {"NULL": True}},
    ],
    ids=str,
)
def test_a_head_of_another_type_is_reported(server: DynamoDBServer, damage: dict[str, Any]) -> None:
    table = server.new_table()
    client = server.client()
    with DynamoDBChatStore(table, endpoint_url=server.url) as one:
        one.add_message("k", ChatMessage(role="user", content="a"))
    key = {"SessionId": {"S": "chatstore/head/k"}}
    item = client.get_item(TableName=table, Key=key)["Item"]
    changed = {name: value for name, value in {**item, **damage}.items() if value is not None}
    client.put_item(TableName=table, Item=changed)
    client.close()
    with DynamoDBChatStore(table, endpoint_url=server.url) as one:
        message = ChatMessage(role="user", content="a")
        for name, *args in (("get_messages",), ("count_messages",), ("add_message", message)):
            with pytest.raises(CorruptStoreError, match=name):
                getattr(one, name)("k", *args)


# ---------------------------------------------------------------------- secrets


def test_representations_show_no_secret(server: DynamoDBServer) -> None:
    keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": SECRET}
    with DynamoDBChatStore("chats", endpoint_url=server.url, **keys) as one:  # type: ignore[arg-type]
        backend = one.backend
        assert isinstance(backend, DynamoDBBackend)
        client = client_of(one)
        shown = f"{one!r} {one.server} {backend.clients!r} {backend.settings!r} {client!r}"
        assert SECRET not in shown
        assert "'chats'" in one.server


def test_given_credentials_are_used(
    server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    keys = {"aws_access_key_id": "AKIAGIVEN", "aws_secret_access_key": SECRET}
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url, **keys) as one:  # type: ignore[arg-type]
        assert one.count_messages("k") == 0
        credentials = client_of(one)._request_signer._credentials
        assert credentials.access_key == "AKIAGIVEN"


def test_expired_credentials_are_read_again(
    server: DynamoDBServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DynamoDBChatStore(server.new_table(), endpoint_url=server.url) as one:
        one.add_message("k", ChatMessage(role="user", content="a"))
        server.set_fault(every=1, answer=answer("ExpiredTokenException"), times=1)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIARENEWED")
        with pytest.raises(StoreAccessError, match="expired"):
            one.count_messages("k")
        assert one.count_messages("k") == 1
        credentials = client_of(one)._request_signer._credentials
        assert credentials.access_key == "AKIARENEWED"
