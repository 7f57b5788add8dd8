"""Connections and services that fail for a while, and secrets in errors."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from upstash_double import Fault, Request, UpstashDouble

from chatstore.core import (
    ChatStoreError,
    OutcomeUnknownError,
    StoreUnavailableError,
)
from chatstore.core.testing.messages import message
from chatstore.core.testing.relay import Relay
from chatstore.upstash import UpstashChatStore
from chatstore.upstash.async_clients import AsyncUpstashClient
from chatstore.upstash.clients import UpstashClient

CALLS = 8
SECRET = "AYNg-s3cr3t"
CONTENT = "what-the-user-said"


class SyncCaller:
    """Calls the sync methods."""

    def __call__(self, store: UpstashChatStore, method: str, *arguments: Any) -> Any:
        return getattr(store, method)(*arguments)

    def together(self, store: UpstashChatStore, method: str, *arguments: Any) -> list[Any]:
        with ThreadPoolExecutor(CALLS) as pool:
            futures = [pool.submit(self, store, method, *arguments) for _ in range(CALLS)]
            return [future.exception() or future.result() for future in futures]

    def close(self, store: UpstashChatStore) -> None:
        store.close()


class AsyncCaller:
    """Calls the async methods, on one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def __call__(self, store: UpstashChatStore, method: str, *arguments: Any) -> Any:
        return self._loop.run_until_complete(getattr(store, f"async_{method}")(*arguments))

    def together(self, store: UpstashChatStore, method: str, *arguments: Any) -> list[Any]:
        async def gathered() -> Any:
            calls = [getattr(store, f"async_{method}")(*arguments) for _ in range(CALLS)]
            return await asyncio.gather(*calls, return_exceptions=True)

        return self._loop.run_until_complete(gathered())

    def close(self, store: UpstashChatStore) -> None:
        self._loop.run_until_complete(store.async_close())
        self.close_loop()

    def close_loop(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


Caller = SyncCaller | AsyncCaller


@pytest.fixture(params=[SyncCaller, AsyncCaller])
def call(request: pytest.FixtureRequest) -> Caller:
    kind: type[Caller] = request.param
    return kind()


@pytest.fixture
def relay(double: UpstashDouble) -> Iterator[Relay]:
    with Relay(double.port) as relay:
        yield relay


@pytest.fixture
def store(
    request: pytest.FixtureRequest, relay: Relay, double: UpstashDouble, call: Caller
) -> Iterator[UpstashChatStore]:
    url = f"http://127.0.0.1:{relay.port}"
    mark = request.node.get_closest_marker("short_timeout")
    timeout = 60 if mark is None else mark.args[0]
    store = UpstashChatStore(url, double.token, timeout=timeout, patience=60, max_connections=CALLS)
    yield store
    call.close(store)


def test_cut_connections_fail_no_call(relay: Relay, store: UpstashChatStore, call: Caller) -> None:
    call.together(store, "count_messages", "k")
    relay.cut()
    assert call.together(store, "add_message", "k", message("x")) == [None] * CALLS
    assert call(store, "count_messages", "k") == CALLS


@pytest.mark.short_timeout(1)
def test_forgotten_connections_cost_one_timeout_in_all(
    relay: Relay, store: UpstashChatStore, call: Caller, double: UpstashDouble
) -> None:
    double.fault = lambda _: Fault(delay=0.05)  # then all calls need connections
    call.together(store, "get_messages", "k")
    double.fault = lambda _: None
    assert relay.connections > CALLS // 2
    relay.forget()
    failures = 0
    for _ in range(CALLS * 2):
        try:
            call(store, "add_message", "k", message("x"))
        except StoreUnavailableError:
            failures += 1
    assert failures <= 1
    assert call(store, "count_messages", "k") == CALLS * 2 - failures


@pytest.mark.short_timeout(1)
def test_forgotten_connections_fail_each_caller_of_a_burst_once(
    relay: Relay, store: UpstashChatStore, call: Caller
) -> None:
    call.together(store, "count_messages", "k")
    relay.forget()
    call.together(store, "count_messages", "k")
    assert call.together(store, "count_messages", "k") == [0] * CALLS


def test_the_number_of_connections_is_bounded(
    relay: Relay, double: UpstashDouble, call: Caller
) -> None:
    url = f"http://127.0.0.1:{relay.port}"
    store = UpstashChatStore(url, double.token, max_connections=2)
    assert call.together(store, "add_message", "k", message("x")) == [None] * CALLS
    assert relay.accepted <= 2
    call.close(store)


def test_too_many_calls_at_once_say_so(double: UpstashDouble, call: Caller) -> None:
    store = UpstashChatStore(double.url, double.token, timeout=0.3, max_connections=1)
    double.fault = lambda _: Fault(delay=0.25)
    outcomes = call.together(store, "get_messages", "k")
    assert any("all connections are in use" in str(outcome) for outcome in outcomes)
    call.close(store)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("acts", [False, True])
def test_a_service_that_fails_for_a_moment(
    double: UpstashDouble, call: Caller, status: int, acts: Any
) -> None:
    store = UpstashChatStore(double.url, double.token, patience=30)
    call(store, "add_message", "k", message("a"))
    call(store, "count_messages", "k")  # from here on, the database knows the scripts
    begin = len(double.requests)
    answer = (status, b"<html>busy</html>")
    double.fault = lambda request: (
        Fault(acts=acts, answer=answer) if request.number < begin + 3 else None
    )
    call(store, "add_message", "k", message("b"))
    assert call(store, "count_messages", "k") == 2
    assert len(double.requests) == begin + 5
    call.close(store)


def test_an_html_page_instead_of_an_answer_leaves_the_outcome_unknown(
    double: UpstashDouble, call: Caller
) -> None:
    store = UpstashChatStore(double.url, double.token)
    double.fault = lambda _: Fault(answer=(200, b"<html>Welcome to the hotel</html>"))
    with pytest.raises(OutcomeUnknownError, match=r"not one of Upstash's REST API; a proxy may"):
        call(store, "add_message", "k", message("b"))
    call.close(store)


def test_a_removal_whose_answer_is_late_takes_effect_once(
    double: UpstashDouble, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many other calls come between."""
    store = UpstashChatStore(double.url, double.token, patience=60)
    other = UpstashChatStore(double.url, double.token)
    other.set_messages("k", [message(str(number)) for number in range(600)])
    other.delete_message("another", 0)  # from here on, the database knows the scripts
    struck: list[int] = []

    def strike(request: Request) -> Fault | None:
        if struck or request.commands != ("EVALSHA",):
            return None
        struck.append(request.number)
        return Fault(answer=(502, b""))

    def remove_others(seconds: float) -> None:
        for _ in range(300):
            other.delete_message("k", 0)

    async def async_remove_others(_: Any, seconds: Any) -> None:
        remove_others(seconds)

    monkeypatch.setattr(UpstashClient, "sleep", lambda _, seconds: remove_others(seconds))
    monkeypatch.setattr(AsyncUpstashClient, "sleep", async_remove_others)
    double.fault = strike
    removed = call(store, "delete_message", "k", 0)
    assert removed == message("0")
    assert other.count_messages("k") == 600 - 1 - 300
    other.close()
    call.close(store)


def text_of(error: BaseException | None) -> str:
    parts = []
    while error is not None:
        parts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        parts += traceback.format_exception_only(type(error), error)
        error = error.__cause__ or error.__context__
    return "\n".join(parts)


URLS = [
    f"upstash+http://:{SECRET}@{{}}",
    f"upstash://:{SECRET}@{{}}",
    f"upstash://{SECRET}@{{}}",
    f"upstash://:{SECRET}℀@{{}}",
    f"upstash://:{SECRET}é@{{}}",
    f"upstash://:{SECRET}[@{{}}",
    f"upstash://:{SECRET}#@{{}}",
    f"upstash://:{SECRET}/@{{}}",
    f"upstash://:{SECRET}?@{{}}",
    f"upstash://:{SECRET}%0A@{{}}",
    f"upstash://:{SECRET}@{{}}:{SECRET}",
    f"upstash://:{SECRET}@{{}}?ttl={SECRET}",
    f"upstash://:{SECRET}@{{}}?{SECRET}=1",
    f"upstash://:{SECRET}@{{}}/{SECRET}",
    f"upstash:{SECRET}",
]


@pytest.mark.parametrize("url", URLS)
def test_no_token_is_printed(
    double: UpstashDouble, call: Caller, url: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    for place in (f"127.0.0.1:{double.port}", "127.0.0.1:1", "no-such-host.invalid"):
        store = None
        try:
            store = UpstashChatStore.from_url(url.format(place))
            assert SECRET not in repr(store) + store.server
            call(store, "add_message", "k", message(CONTENT))
        except ChatStoreError as error:
            printed = text_of(error)
        else:
            printed = ""
        assert SECRET not in printed
        assert CONTENT not in printed
        if store is not None:
            call(store, "close")
    assert SECRET not in caplog.text
    if isinstance(call, AsyncCaller):
        call.close_loop()


ANSWERS = [
    (400, f'{{"error": "ERR unknown command, with args beginning with: {SECRET} {CONTENT}"}}'),
    (400, f'{{"error": "NOPERM User {SECRET} has no permissions"}}'),
    (401, f'{{"error": "WRONGPASS {SECRET}"}}'),
    (500, f"{SECRET} {CONTENT}"),
    (302, SECRET),
    (200, SECRET),
    (200, f'{{"result": {{"{SECRET}": "{CONTENT}"}}}}'),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_answer_is_quoted(double: UpstashDouble, call: Caller, answer: tuple[int, str]) -> None:
    status, body = answer
    double.fault = lambda _: Fault(acts=False, answer=(status, body.encode()))
    store = UpstashChatStore(double.url, double.token, patience=0)
    for method, arguments in (("count_messages", ("k",)), ("get_keys", ())):
        with pytest.raises(ChatStoreError) as caught:
            call(store, method, *arguments)
        assert SECRET not in text_of(caught.value)
        assert CONTENT not in text_of(caught.value)
    call.close(store)
