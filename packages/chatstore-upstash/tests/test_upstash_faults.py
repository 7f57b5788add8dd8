"""Faults of the network and the service, and the errors that callers get."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from upstash_double import LOST_REPLY, LOST_REQUEST, Fault, Request, UpstashDouble
from upstash_resp import Connection

from chatstore.core import (
    ChatMessage,
    CorruptStoreError,
    DriverError,
    MessageTooLargeError,
    OutcomeUnknownError,
    StoreAccessError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
)
from chatstore.core.testing.messages import message
from chatstore.upstash import UpstashChatStore


def contents(messages: list[ChatMessage]) -> list[Any]:
    return [message.content for message in messages]


@pytest.fixture
def store(double: UpstashDouble) -> Iterator[UpstashChatStore]:
    with UpstashChatStore(double.url, double.token, patience=60) as store:
        yield store


def every_tenth(fault: Fault) -> Callable[[Request], Fault | None]:
    """Return a function that lets one request in ten fail, repeated ones included."""
    return lambda request: fault if request.number % 10 == 9 else None


@pytest.mark.parametrize(
    ("fault", "appends"),
    [(LOST_REPLY, 1000), (LOST_REQUEST, 200), (Fault(sent=0.5), 200)],
    ids=["reply", "request", "half"],
)
def test_appends_under_lost_connections(
    store: UpstashChatStore, double: UpstashDouble, fault: Fault, appends: Any
) -> None:
    double.fault = every_tenth(fault)
    expected = [str(number) for number in range(appends)]
    for text in expected[::2]:
        store.add_message("sync", message(text))

    async def append() -> None:
        for text in expected[1::2]:
            await store.async_add_message("async", message(text))

    asyncio.run(append())
    struck = sum(double.fault(request) is not None for request in double.requests)
    double.fault = lambda _: None
    assert contents(store.get_messages("sync")) == expected[::2]
    assert contents(store.get_messages("async")) == expected[1::2]
    assert struck > appends // 10


def test_a_thousand_appends_from_eight_writers_under_lost_replies(
    store: UpstashChatStore, double: UpstashDouble
) -> None:
    double.fault = every_tenth(LOST_REPLY)

    def append(writer: int) -> None:
        for number in range(125):
            store.add_message("k", message(f"{writer} {number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(8)))
    double.fault = lambda _: None
    result = contents(store.get_messages("k"))
    assert len(result) == 1000
    for writer in range(8):
        mine = [text for text in result if text.startswith(f"{writer} ")]
        assert mine == [f"{writer} {number}" for number in range(125)]


def test_every_write_takes_effect_once_under_lost_replies(
    store: UpstashChatStore, double: UpstashDouble
) -> None:
    """Every first answer is lost, so that every call is sent twice."""
    seen = 0

    def lose_each_first(_: Request) -> Fault | None:
        nonlocal seen
        seen += 1
        return LOST_REPLY if seen % 2 else None

    store.set_messages("k", [message(text) for text in "abc"])  # the scripts are loaded
    store.add_message("k", message("d"))
    store.add_message("k", message("x"), 0)
    store.delete_message("k", 0)
    store.delete_messages("other")
    double.fault = lose_each_first
    store.add_message("k", message("e"))
    store.add_messages("k", [message("f"), message("g")])
    store.add_message("k", message("first"), 0)
    assert store.delete_message("k", 1) == message("a")
    assert store.delete_last_message("k") == message("g")
    assert contents(store.get_messages("k")) == ["first", "b", "c", "d", "e", "f"]
    store.set_messages("k", [message("new")])
    assert store.count_messages("k") == 1
    store.delete_messages("k")
    assert store.get_keys() == []


def test_connections_that_always_break_are_given_up(double: UpstashDouble) -> None:
    store = UpstashChatStore(double.url, double.token)
    store.add_message("k", message("a"))
    before = len(double.requests)
    double.fault = lambda _: LOST_REQUEST
    with pytest.raises(StoreUnavailableError) as caught:
        store.add_message("k", message("b"))
    assert isinstance(caught.value.__cause__, DriverError)
    assert 2 <= len(double.requests) - before <= 20
    double.fault = lambda _: None
    assert store.count_messages("k") == 1
    store.close()


@pytest.mark.short_timeout(0.2)
def test_slow_answer_ends_in_time(double: UpstashDouble) -> None:
    with UpstashChatStore(double.url, double.token) as patient:
        patient.add_message("k", message("a"))
    with UpstashChatStore(double.url, double.token, timeout=0.2) as store:
        before = len(double.requests)
        double.fault = lambda _: Fault(delay=60)
        with pytest.raises(StoreUnavailableError, match="in time") as caught:
            store.add_message("k", message("b"))
        assert isinstance(caught.value.__cause__, DriverError)

        async def add() -> None:
            with pytest.raises(StoreUnavailableError, match="in time"):
                await store.async_add_message("k", message("b"))

        asyncio.run(add())
        assert len(double.requests) - before == 2  # no request was repeated


def test_refused_connection_fails_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    timeout = 30.0
    with UpstashChatStore(f"http://127.0.0.1:{port}", "token", timeout=timeout) as store:
        begin = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="no connection") as caught:
            store.add_message("k", message("a"))
        assert isinstance(caught.value.__cause__, DriverError)

        async def add() -> None:
            with pytest.raises(StoreUnavailableError, match="no connection"):
                await store.async_add_message("k", message("a"))

        asyncio.run(add())
        assert time.monotonic() - begin < timeout


def test_swallowed_connection_fails_in_time() -> None:
    """The server never accepts and its queue is full: packets get no answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with (
            UpstashChatStore(url, "token", timeout=0.2) as store,
            pytest.raises(StoreUnavailableError),
        ):
            store.add_message("k", message("a"))
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, StoreAccessError), (403, StoreAccessError), (413, MessageTooLargeError),
     (429, StoreUnavailableError), (404, StoreUnavailableError), (302, StoreSetupError),
     (500, StoreUnavailableError), (502, StoreUnavailableError), (503, StoreUnavailableError)],
)  # fmt: skip
@pytest.mark.parametrize("body", [b"<html>secret</html>", b'{"error": "ERR secret"}', b'"secret"'])
def test_status_decides(
    double: UpstashDouble, status: int, kind: type[Exception], body: bytes
) -> None:
    double.fault = lambda _: Fault(acts=False, answer=(status, body))
    with UpstashChatStore(double.url, double.token, patience=0) as store:
        with pytest.raises(kind) as caught:
            store.add_message("k", message("secret"))
        assert isinstance(caught.value.__cause__, DriverError)
        assert "secret" not in str(caught.value)
        assert isinstance(caught.value, OutcomeUnknownError) == (status >= 500)
        assert len(double.requests) == 1

        async def add() -> None:
            with pytest.raises(kind):
                await store.async_add_message("k", message("secret"))
            await store.async_close()

        asyncio.run(add())


@pytest.mark.parametrize(
    ("text", "kind"),
    [("WRONGPASS invalid or missing auth token", StoreAccessError),
     ("NOPERM this user has no permissions to run the 'evalsha' command", StoreAccessError),
     ("READONLY You can't write against a read only replica.", StoreAccessError),
     ("ERR DB capacity quota exceeded", StoreFullError),
     ("OOM command not allowed when used memory > 'maxmemory'.", StoreFullError),
     ("ERR max single record size exceeded", StoreFullError),
     ("ERR max request size exceeded. Limit: 10485760 bytes", MessageTooLargeError),
     ("ERR max requests limit exceeded.", StoreUnavailableError),
     ("ERR max concurrent connections exceeded", StoreUnavailableError),
     ("LOADING Redis is loading the dataset in memory", StoreUnavailableError),
     ("WRONGTYPE Operation against a key holding the wrong kind of value", CorruptStoreError),
     ("ERR unknown command, with args beginning with: 'secret'", StoreSetupError)],
)  # fmt: skip
def test_error_of_the_database(double: UpstashDouble, text: str, kind: type[Exception]) -> None:
    store = UpstashChatStore(double.url, double.token, patience=0)
    body = f'{{"error": "{text}"}}'.encode()
    double.fault = lambda _: Fault(acts=False, answer=(400, body))
    with pytest.raises(kind) as caught:
        store.add_message("k", message("x"))
    assert isinstance(caught.value.__cause__, DriverError)
    assert "secret" not in str(caught.value)
    assert len(double.requests) == 1
    store.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b"3", b'"text"', b"{}", b'{"result": {}}',
     b'{"result": "a"}', b'{"result": 1.5}', b'{"message": "hello"}'],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 400])
def test_answer_of_something_else(
    store: UpstashChatStore, double: UpstashDouble, status: int, body: bytes
) -> None:
    """A captive portal, a proxy: for some, the client raises `AttributeError`."""
    double.fault = lambda _: Fault(acts=False, answer=(status, body))
    with pytest.raises(StoreUnavailableError):
        store.count_messages("k")


def test_bytes_that_are_not_text(store: UpstashChatStore, double: UpstashDouble) -> None:
    answer = b'{"result": "' + base64.b64encode(b"a\xff") + b'"}'
    double.fault = lambda _: Fault(acts=False, answer=(200, answer))
    with pytest.raises(CorruptStoreError):
        store.count_messages("k")


def test_refused_token(double: UpstashDouble) -> None:
    for token in ("wrong-token", "x" * 500):
        with UpstashChatStore(double.url, token) as store:
            for call in (lambda: store.add_message("k", message("a")), store.get_keys):
                with pytest.raises(StoreAccessError) as caught:
                    call()
                assert token not in repr(caught.value)
                assert token not in repr(caught.value.__cause__)


def test_reading_token_may_not_write(double: UpstashDouble) -> None:
    with UpstashChatStore(double.url, double.reading_token) as store:
        for call in (lambda: store.add_message("k", message("a")), store.get_keys, store.check):
            with pytest.raises(StoreAccessError) as caught:
                call()
            assert double.reading_token not in repr(caught.value)


def test_scripts_are_loaded_again_after_they_were_lost(
    store: UpstashChatStore, double: UpstashDouble, redis: Connection
) -> None:
    store.add_message("k", message("a"))
    assert redis.call(b"SCRIPT", b"FLUSH") == b"OK"
    store.add_message("k", message("b"))
    assert contents(store.get_messages("k")) == ["a", "b"]


def test_full_database_keeps_what_it_has(store: UpstashChatStore, redis: Connection) -> None:
    store.add_message("k", message("a"))
    assert redis.call(b"CONFIG", b"SET", b"maxmemory", b"1") == b"OK"
    try:
        with pytest.raises(StoreFullError):
            store.add_message("k", message("b"))
        assert contents(store.get_messages("k")) == ["a"]
    finally:
        redis.call(b"CONFIG", b"SET", b"maxmemory", b"0")
    store.add_message("k", message("b"))
    assert store.count_messages("k") == 2
