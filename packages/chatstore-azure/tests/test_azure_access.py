"""Accounts, tables and URLs are checked at once; messages repeat no secret."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.azure.account import Account, check_endpoint, check_table, default_endpoint
from chatstore.azure.connection_strings import read_connection_string
from chatstore.azure.urls import read_url
from chatstore.core import InvalidArgumentError

SECRET = "c2VjcmV0LXNlY3JldA=="
QUOTED = SECRET.replace("=", "%3D")
HOST = "https://acc.table.core.windows.net"


def test_default_endpoint_is_table_storage() -> None:
    assert default_endpoint("acc") == HOST


@pytest.mark.parametrize(
    "endpoint",
    [
        "acc.table.core.windows.net",
        "ftp://a",
        "https://a?sig=s",
        "https://u:p@a",
        "",
        1,
        "https://a:x",
    ],
)
def test_bad_endpoints_are_refused(endpoint: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        check_endpoint(endpoint)


@pytest.mark.parametrize("name", ["ab", "1abc", "a-b-c", "a" * 64, "", "tables", None, "abc\n"])
def test_bad_table_names_are_refused(name: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        check_table(name)


def test_table_names_at_the_edge() -> None:
    assert check_table("abc") == "abc"
    assert check_table("a" * 63) == "a" * 63


def test_connection_strings() -> None:
    text = (
        f"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={SECRET};EndpointSuffix=x.net"
    )
    account = read_connection_string(text)
    assert account == Account("https://acc.table.x.net", "acc", account_key=SECRET)
    assert SECRET not in repr(account)
    sas = f"SharedAccessSignature=sv=1&sig=a;TableEndpoint={HOST}/"
    assert read_connection_string(sas) == Account(HOST, sas_token="sv=1&sig=a")
    cosmos = f"AccountName=acc;AccountKey={SECRET};TableEndpoint=https://acc.table.cosmos.azure.com:443/;"
    assert read_connection_string(cosmos).endpoint == "https://acc.table.cosmos.azure.com:443"


@pytest.mark.parametrize("text", ["", None, f"AccountKey={SECRET}", f"AccountName=a;Key={SECRET}"])
def test_bad_connection_strings_are_refused_without_repeating_them(text: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        read_connection_string(text)
    assert SECRET not in str(caught.value)


def test_urls() -> None:
    url = f"azure-tables://acc:{QUOTED}@acc.table.core.windows.net/Chats?ttl=60&create=false"
    parts = read_url(url, needs_key=True)
    assert parts == (HOST, "acc", SECRET, "Chats", {"ttl": 60.0, "create": False})
    assert SECRET not in repr(parts)
    parts = read_url(f"azure-tables+http://dev:{QUOTED}@127.0.0.1:10002/dev/Chats", needs_key=True)
    assert (parts.endpoint, parts.table) == ("http://127.0.0.1:10002/dev", "Chats")


def test_a_url_needs_no_key_if_there_is_another_authorization() -> None:
    parts = read_url("azure-tables://acc@acc.table.core.windows.net/Chats", needs_key=False)
    assert parts == (HOST, "acc", None, "Chats", {})


@pytest.mark.parametrize(
    "url",
    [
        f"azure-tables://acc:{QUOTED}@host",
        f"azure-tables://acc:{QUOTED}@host/Chats?x=1",
        f"azure-tables://acc:{QUOTED}@host/Chats?ttl=abc",
        f"azure-tables://acc:{QUOTED}@host/Chats?create=maybe",
        f"azure-tables://acc:{QUOTED}@host/Chats?ttl=1&ttl=2",
        f"azure-tables://{QUOTED}@host/Chats",
        f"azure-tables://acc:{QUOTED}@[host/Chats",
        f"azure-tables://acc:{QUOTED}@host:x/Chats",
        "azure-tables:///Chats",
    ],
)
def test_bad_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        read_url(url, needs_key=True)
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.__cause__ is None or "c2VjcmV0" not in str(caught.value.__cause__)
