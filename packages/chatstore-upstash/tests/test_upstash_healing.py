"""Connections and services that fail for a while, and what no error may tell."""

from __future__ import annotations

import asyncio
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from upstash_double import Fault

from chatstore.core import (
    ChatMessage,
    ChatStoreError,
    OutcomeUnknownError,
    StoreUnavailableError,
)
from chatstore.core.testing.relay import Relay
from chatstore.upstash import UpstashChatStore

CALLS = 8
SECRET = "AYNg-s3cr3t"
CONTENT = "what-the-user-said"


def message(text):
    return ChatMessage(role="user", content=text)


class SyncCaller:
    def __call__(self, store, method, *arguments):
        return getattr(store, method)(*arguments)

    def together(self, store, method, *arguments):
        with ThreadPoolExecutor(CALLS) as pool:
            futures = [pool.submit(self, store, method, *arguments) for _ in range(CALLS)]
            return [future.exception() or future.result() for future in futures]

    def close(self, store):
        store.close()


class AsyncCaller:
    def __init__(self):
        self._runner = asyncio.Runner()

    def __call__(self, store, method, *arguments):
        return self._runner.run(getattr(store, f"async_{method}")(*arguments))

    def together(self, store, method, *arguments):
        async def gathered():
            calls = [getattr(store, f"async_{method}")(*arguments) for _ in range(CALLS)]
            return await asyncio.gather(*calls, return_exceptions=True)

        return self._runner.run(gathered())

    def close(self, store):
        self._runner.run(store.async_close())
        self._runner.close()


@pytest.fixture(params=[SyncCaller, AsyncCaller])
def call(request):
    return request.param()


@pytest.fixture
def relay(double):
    with Relay(double.port) as relay:
        yield relay


@pytest.fixture
def store(relay, double, call):
    url = f"http://127.0.0.1:{relay.port}"
    store = UpstashChatStore(url, double.token, timeout=1, max_connections=CALLS)
    yield store
    call.close(store)


def test_cut_connections_fail_no_call(relay, store, call):
    call.together(store, "count_messages", "k")
    relay.cut()
    assert call.together(store, "add_message", "k", message("x")) == [None] * CALLS
    assert call(store, "count_messages", "k") == CALLS


def test_forgotten_connections_cost_one_timeout_in_all(relay, store, call, double):
    double.fault = lambda _: Fault(delay=0.05)  # so that all calls need connections
    call.together(store, "count_messages", "k")
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


def test_forgotten_connections_fail_each_caller_of_a_burst_once(relay, store, call):
    call.together(store, "count_messages", "k")
    relay.forget()
    call.together(store, "count_messages", "k")
    assert call.together(store, "count_messages", "k") == [0] * CALLS


def test_the_number_of_connections_is_bounded(relay, double, call):
    url = f"http://127.0.0.1:{relay.port}"
    store = UpstashChatStore(url, double.token, max_connections=2)
    assert call.together(store, "add_message", "k", message("x")) == [None] * CALLS
    assert relay.accepted <= 2
    call.close(store)


def test_too_many_calls_at_once_say_so(double, call):
    store = UpstashChatStore(double.url, double.token, timeout=0.3, max_connections=1)
    call(store, "count_messages", "k")
    double.fault = lambda _: Fault(delay=0.25)
    outcomes = call.together(store, "count_messages", "k")
    assert any("all connections are in use" in str(outcome) for outcome in outcomes)
    call.close(store)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("acts", [False, True])
def test_a_service_that_fails_for_a_moment(double, call, status, acts):
    store = UpstashChatStore(double.url, double.token, patience=30)
    call(store, "add_message", "k", message("a"))
    call(store, "count_messages", "k")  # the database knows the scripts from here on
    begin = len(double.requests)
    answer = (status, b"<html>busy</html>")
    double.fault = lambda request: (
        Fault(acts=acts, answer=answer) if request.number < begin + 3 else None
    )
    call(store, "add_message", "k", message("b"))
    assert call(store, "count_messages", "k") == 2
    assert len(double.requests) == begin + 5
    call.close(store)


def test_an_html_page_in_place_of_an_answer_leaves_the_outcome_unknown(double, call):
    store = UpstashChatStore(double.url, double.token)
    double.fault = lambda _: Fault(answer=(200, b"<html>Welcome to the hotel</html>"))
    with pytest.raises(OutcomeUnknownError, match=r"not one of Upstash's REST API; a proxy may"):
        call(store, "add_message", "k", message("b"))
    call.close(store)


def test_a_removal_whose_answer_is_late_acts_once(double, call):
    """However many others come between."""
    store = UpstashChatStore(double.url, double.token, patience=60)
    other = UpstashChatStore(double.url, double.token)
    other.set_messages("k", [message(str(number)) for number in range(600)])
    other.delete_message("another", 0)  # the database knows the scripts from here on
    struck = []

    def strike(request):
        if struck or request.commands != ("EVALSHA",):
            return None
        struck.append(request.number)
        return Fault(answer=(502, b""))

    def remove_others(seconds):
        for _ in range(300):
            other.delete_message("k", 0)

    import chatstore.upstash.store as module

    original = module.Commands

    class Slow(original):
        def __init__(self, client, drive, sleep, *more):
            super().__init__(client, drive, lambda s: (remove_others(s), sleep(0))[1], *more)

    module.Commands = Slow
    try:
        double.fault = strike
        removed = call(store, "delete_message", "k", 0)
    finally:
        module.Commands = original
    assert removed == message("0")
    assert other.count_messages("k") == 600 - 1 - 300
    other.close()
    call.close(store)


def text_of(error):
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        texts += traceback.format_exception_only(type(error), error)
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


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
def test_no_token_is_told(double, call, url, caplog):
    caplog.set_level("WARNING")
    for place in (f"127.0.0.1:{double.port}", "127.0.0.1:1", "no-such-host.invalid"):
        store = None
        try:
            store = UpstashChatStore.from_url(url.format(place))
            assert SECRET not in repr(store) + store.server
            call(store, "add_message", "k", message(CONTENT))
        except ChatStoreError as error:
            told = text_of(error)
        else:
            told = ""
        assert SECRET not in told
        assert CONTENT not in told
        if store is not None:
            call(store, "close")
    assert SECRET not in caplog.text
    if isinstance(call, AsyncCaller):
        call._runner.close()


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
def test_no_answer_is_quoted(double, call, answer):
    status, body = answer
    double.fault = lambda _: Fault(acts=False, answer=(status, body.encode()))
    store = UpstashChatStore(double.url, double.token, patience=0)
    for method, arguments in (("count_messages", ("k",)), ("get_keys", ())):
        with pytest.raises(ChatStoreError) as caught:
            call(store, method, *arguments)
        assert SECRET not in text_of(caught.value)
        assert CONTENT not in text_of(caught.value)
    call.close(store)
