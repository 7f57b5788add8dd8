"""Accounts, tables and URLs are checked at once, and no secret is repeated."""

from __future__ import annotations

import pytest

from chatstore.azure.access import check_endpoint, check_table, default_endpoint, read_url
from chatstore.azure.connection_strings import read_connection_string
from chatstore.core import InvalidArgumentError

SECRET = "c2VjcmV0LXNlY3JldA=="
QUOTED = SECRET.replace("=", "%3D")


def test_default_endpoint_is_table_storage():
    assert default_endpoint("acc") == "https://acc.table.core.windows.net"


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
def test_bad_endpoints_are_refused(endpoint):
    with pytest.raises(InvalidArgumentError):
        check_endpoint(endpoint)


@pytest.mark.parametrize("name", ["ab", "1abc", "a-b-c", "a" * 64, "", "tables", None, "abc\n"])
def test_bad_table_names_are_refused(name):
    with pytest.raises(InvalidArgumentError):
        check_table(name)


def test_table_names_at_the_edge():
    assert check_table("abc") == "abc"
    assert check_table("a" * 63) == "a" * 63


def test_connection_strings():
    text = (
        f"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={SECRET};EndpointSuffix=x.net"
    )
    access = read_connection_string(text)
    assert access == ("https://acc.table.x.net", "key", "acc", SECRET)
    assert SECRET not in repr(access)
    sas = "SharedAccessSignature=sv=1&sig=a;TableEndpoint=https://acc.table.core.windows.net/"
    assert read_connection_string(sas)[:2] == ("https://acc.table.core.windows.net", "sas")
    cosmos = f"AccountName=acc;AccountKey={SECRET};TableEndpoint=https://acc.table.cosmos.azure.com:443/;"
    assert read_connection_string(cosmos).endpoint == "https://acc.table.cosmos.azure.com:443"


@pytest.mark.parametrize("text", ["", None, f"AccountKey={SECRET}", f"AccountName=a;Key={SECRET}"])
def test_bad_connection_strings_are_refused_without_repeating_them(text):
    with pytest.raises(InvalidArgumentError) as caught:
        read_connection_string(text)
    assert SECRET not in str(caught.value)


def test_urls():
    url = f"azure-tables://acc:{QUOTED}@acc.table.core.windows.net/Chats?ttl=60&create_table=false"
    access, table, options = read_url(url)
    assert access == ("https://acc.table.core.windows.net", "key", "acc", SECRET)
    assert (table, options) == ("Chats", {"ttl": 60.0, "create_table": False})
    access, table, _ = read_url(f"azure-tables+http://dev:{QUOTED}@127.0.0.1:10002/dev/Chats")
    assert (access.endpoint, table) == ("http://127.0.0.1:10002/dev", "Chats")


@pytest.mark.parametrize(
    "url",
    [
        f"azure-tables://acc:{QUOTED}@host",
        f"azure-tables://acc:{QUOTED}@host/Chats?x=1",
        f"azure-tables://acc:{QUOTED}@host/Chats?ttl=abc",
        f"azure-tables://acc:{QUOTED}@host/Chats?create_table=maybe",
        f"azure-tables://acc:{QUOTED}@host/Chats?ttl=1&ttl=2",
        f"azure-tables://{QUOTED}@host/Chats",
        f"azure-tables://acc:{QUOTED}@[host/Chats",
        f"azure-tables://acc:{QUOTED}@host:x/Chats",
        "azure-tables:///Chats",
    ],
)
def test_bad_urls_are_refused_without_repeating_them(url):
    with pytest.raises(InvalidArgumentError) as caught:
        read_url(url)
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.__cause__ is None or "c2VjcmV0" not in str(caught.value.__cause__)
