"""Addresses: arguments, URLs, the environment; tokens are never printed."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import upstash_redis
import upstash_redis.asyncio
from upstash_double import UpstashDouble

from chatstore.core import ChatMessage, InvalidArgumentError, open_store
from chatstore.upstash import UpstashChatStore
from chatstore.upstash.address import Address, read_url

URL = "https://eu1-fair-cat-1.upstash.io"
TOKEN = "AYNg-secret-token=="


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UPSTASH_REDIS_REST_URL", raising=False)
    monkeypatch.delenv("UPSTASH_REDIS_REST_TOKEN", raising=False)


@pytest.mark.parametrize(
    "url",
    [None, "", 7, b"https://x", "eu1-fair-cat-1.upstash.io", "https://", "https://host:port",
     f"https://:{TOKEN}@host", "https://host/?a=b", "https://host/#a", "rediss://host:6379",
     "https://[::1"],
)  # fmt: skip
def test_wrong_url(url: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="redis_url") as caught:
        UpstashChatStore(url, TOKEN)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("token", [None, "", 7, b"x", "secret\n", "secr et", "secrét"])
def test_wrong_token(token: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="redis_token") as caught:
        UpstashChatStore(URL, token)
    assert "secr" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [{"timeout": timedelta(1)}, {"timeout": 2**63}, {"ttl": timedelta(1)}, {"ttl": 2**63},
     {"ttl": True}, {"ttl": 1e-9}, {"timeout": 0},
     {"timeout": -1}, {"timeout": "1"}, {"timeout": True},
     {"timeout": float("nan")}, {"timeout": float("inf")}, {"ttl": 0}, {"ttl": "1"}],
)  # fmt: skip
def test_wrong_number(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"(timeout|ttl) must be a number"):
        UpstashChatStore(URL, TOKEN, **options)


@pytest.mark.parametrize(
    "options",
    [{"max_connections": 0}, {"max_connections": True}, {"max_connections": "64"},
     {"patience": -1}, {"patience": True}, {"patience": float("inf")}],
)  # fmt: skip
def test_wrong_bound(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        UpstashChatStore(URL, TOKEN, **options)


def test_wrong_client() -> None:
    with upstash_redis.Redis(URL, TOKEN) as client:
        wrong: Any = client
        with pytest.raises(InvalidArgumentError, match=r"^async_client .* as client"):
            UpstashChatStore(async_client=wrong)
        unfit: Any = upstash_redis.asyncio.Redis(URL, TOKEN)
        with pytest.raises(InvalidArgumentError, match=r"^client .* as async_client"):
            UpstashChatStore(client=unfit)
        others: list[Any] = [object(), URL, upstash_redis.Redis]
        for other in others:
            with pytest.raises(InvalidArgumentError, match="client must be an upstash_redis"):
                UpstashChatStore(client=other)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        (f"upstash://:{TOKEN}@host", "from_url"),
        (f"rediss://:{TOKEN}@host:6379", "RedisChatStore of chatstore-redis"),
        ("https://host?ttl=60", "options are arguments"),
    ],
)
def test_a_url_of_another_kind_says_what_to_do(url: Any, advice: str) -> None:
    with pytest.raises(InvalidArgumentError, match=advice):
        UpstashChatStore(url, TOKEN)


def test_an_unknown_option_lists_those_that_are_known() -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"unknown option 'foo'.* max_connections, names"
    ):
        UpstashChatStore.from_url("upstash://:t@host?foo=1")


def test_the_path_of_llama_index() -> None:
    from chatstore.upstash.base import UpstashChatStore as Same

    assert Same is UpstashChatStore


def test_neither_a_url_nor_a_client() -> None:
    with pytest.raises(InvalidArgumentError, match="from_env"):
        UpstashChatStore()


@pytest.mark.parametrize(
    ("url", "address", "options"),
    [
        ("upstash://:tok@h.upstash.io", Address("https://h.upstash.io", "tok"), {}),
        ("upstash://:tok@h.upstash.io/", Address("https://h.upstash.io", "tok"), {}),
        ("upstash://:a%2Fb%40c==@h:8443", Address("https://h:8443", "a/b@c=="), {}),
        ("upstash+http://:tok@localhost:8079", Address("http://localhost:8079", "tok"), {}),
        (
            "upstash://:tok@h?ttl=60&timeout=2.5&namespace=a%20b",
            Address("https://h", "tok"),
            {"ttl": 60.0, "timeout": 2.5, "namespace": "a b"},
        ),
    ],
)
def test_url(url: Any, address: Address, options: dict[str, Any]) -> None:
    assert read_url(url) == (address, options)


@pytest.mark.parametrize(
    "url",
    ["upstash://host", "upstash://secret@host", "upstash://user:secret@host", "upstash:host",
     "upstash://:secret@", "upstash://:secret@host/path", "upstash://:secret@host#a",
     "upstash://:secret@host?ttl=x", "upstash://:secret@host?ttl=1&ttl=2",
     "upstash://:secret@host?unknown=1", "upstash://:secret@host?ttl=-1", "upstash+http://",
     "upstash://:secret@host:port", "upstash://:se%0Acret@host", "upstash://:secret@host?ttl",
     "redis://:secret@host"],
)  # fmt: skip
def test_wrong_store_url(url: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        UpstashChatStore.from_url(url)
    assert "secret" not in str(caught.value)


def test_environment(double: UpstashDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    openers: list[Callable[[], object]]
    openers = [UpstashChatStore.from_env, lambda: open_store("upstash://")]
    for opener in openers:
        with pytest.raises(InvalidArgumentError, match="UPSTASH_REDIS_REST_URL and UPSTASH_REDIS"):
            opener()
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", double.url)
    with pytest.raises(InvalidArgumentError, match="set UPSTASH_REDIS_REST_TOKEN"):
        UpstashChatStore.from_env()
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", double.token)
    with UpstashChatStore.from_env(namespace="other") as store:
        store.add_message("k", ChatMessage(role="user", content="a"))
    with open_store("upstash://?namespace=other") as store:
        assert store.get_keys() == ["k"]
    with open_store("upstash://") as store:
        assert store.get_keys() == []


def test_open_store_by_url(double: UpstashDouble) -> None:
    with open_store(f"upstash+http://:{double.token}@127.0.0.1:{double.port}?ttl=60") as store:
        store.add_message("k", ChatMessage(role="user", content="a"))
        assert store.get_keys() == ["k"]


def test_the_token_is_never_printed(double: UpstashDouble) -> None:
    store = UpstashChatStore(double.url, "wrong-secret")
    assert "secret" not in repr(store)
    assert "secret" not in repr(read_url(f"upstash://:{TOKEN}@host"))
    with store, pytest.raises(Exception, match="refused") as caught:
        store.count_messages("k")
    assert "secret" not in "".join(traceback.format_exception(caught.value))
