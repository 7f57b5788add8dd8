"""Lost replies, restarts and silence: each call takes effect once, and does not hang."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from postgres_calling import Caller, contents, message
from postgres_faults import FaultProxy
from postgres_harness import PostgresHarness, fresh_name
from postgres_servers import PostgresServer, free_port, newest_binaries

from chatstore.core import ChatStore, StoreUnavailableError
from chatstore.postgres import PostgresChatStore

ANSWER = b"SELECT 1\0"  # ends the answer of a statement that returns one row


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """Return a server that may be stopped."""
    server = PostgresServer(newest_binaries())
    yield server
    server.close()


@pytest.fixture
def proxy(own_server: PostgresServer) -> Iterator[FaultProxy]:
    started = FaultProxy(own_server.port)
    yield started
    started.close()


@pytest.fixture
def harness(own_server: PostgresServer, proxy: FaultProxy) -> PostgresHarness:
    return PostgresHarness(own_server, proxy.url)


def open_on(harness: PostgresHarness) -> PostgresChatStore:
    """Open a store through the proxy that does not give up while the machine stalls."""
    return PostgresChatStore.from_uri(harness.url, table_name=harness.table, patience=60)


@pytest.fixture
def other(own_server: PostgresServer, harness: PostgresHarness) -> Iterator[PostgresChatStore]:
    """Return a store on the same tables, without the proxy."""
    with PostgresChatStore.from_uri(own_server.url(), table_name=harness.table) as store:
        yield store


def test_a_thousand_appends_with_lost_replies_and_two_restarts(
    own_server: PostgresServer, proxy: FaultProxy, harness: PostgresHarness, call: Caller
) -> None:
    expected = [str(number) for number in range(1000)]
    store = open_on(harness)
    store.setup()
    proxy.loss = 0.1
    for number, text in enumerate(expected):
        if number in {300, 600}:
            own_server.stop()
            own_server.start()
        call(store, "add_message", "k", message(text))
    proxy.loss = 0.0
    assert contents(call(store, "get_messages", "k")) == expected
    assert call(store, "count_messages", "k") == 1000
    assert proxy.lost >= 100
    call(store, "close")


def test_restarts_during_calls(own_server: PostgresServer, harness: PostgresHarness) -> None:
    """The server goes down while calls are on their way; they wait for it and succeed."""

    async def append(store: ChatStore, name: str) -> None:
        for number in range(150):
            await store.async_add_message("k", message(f"{name}.{number}"))

    def append_sync(store: ChatStore, name: str) -> None:
        for number in range(150):
            store.add_message("k", message(f"{name}.{number}"))

    async def append_all(store: ChatStore) -> None:
        plain = asyncio.to_thread(append_sync, store, "c")
        await asyncio.gather(append(store, "a"), append(store, "b"), plain)

    with open_on(harness) as store, ThreadPoolExecutor(1) as pool:
        writers = pool.submit(lambda: asyncio.run(append_all(store)))
        for count in (50, 150):
            while store.count_messages("k") < count:
                time.sleep(0.005)
            own_server.stop()
            own_server.start()
        writers.result(60)
        result = contents(store.get_messages("k"))
    assert len(result) == 450
    for name in "abc":
        mine = [text for text in result if text.startswith(name)]
        assert mine == [f"{name}.{number}" for number in range(150)]


def lose_reply(
    proxy: FaultProxy, marker: bytes, action: Callable[[], object] = lambda: None
) -> None:
    """Lose the next reply that has the marker; meanwhile another client acts."""
    proxy.on_loss, proxy.reply, proxy.lose = action, marker, 1


def test_removal_is_answered_once(
    proxy: FaultProxy, harness: PostgresHarness, other: PostgresChatStore, call: Caller
) -> None:
    store = open_on(harness)
    call(store, "set_messages", "k", [message(text) for text in "abc"])
    lose_reply(proxy, b'"content":"c"', lambda: other.add_message("k", message("d")))
    assert call(store, "delete_last_message", "k").content == "c"
    assert proxy.lost == 1
    assert contents(other.get_messages("k")) == ["a", "b", "d"]
    lose_reply(proxy, b'"content":"a"', lambda: other.delete_messages("k"))
    assert call(store, "delete_message", "k", 0).content == "a"
    assert proxy.lost == 2
    call(store, "close")


def test_removal_of_the_only_message_is_answered_once(
    proxy: FaultProxy, harness: PostgresHarness, other: PostgresChatStore, call: Caller
) -> None:
    store = open_on(harness)
    call(store, "add_message", "k", message("only"))
    lose_reply(proxy, b'"content":"only"', lambda: other.add_message("k", message("new")))
    assert call(store, "delete_last_message", "k").content == "only"
    assert proxy.lost == 1
    assert contents(other.get_messages("k")) == ["new"]
    call(store, "close")


@pytest.mark.parametrize("exists", [True, False])
def test_set_does_not_undo_what_came_after_it(
    proxy: FaultProxy,
    harness: PostgresHarness,
    other: PostgresChatStore,
    call: Caller,
    exists: bool,
) -> None:
    store = open_on(harness)
    call(store, "set_messages", "other" if not exists else "k", [message("old")])
    lose_reply(proxy, ANSWER, lambda: other.add_message("k", message("later")))
    call(store, "set_messages", "k", [message("a"), message("b")])
    assert proxy.lost == 1
    assert contents(other.get_messages("k")) == ["a", "b", "later"]
    call(store, "close")


def test_deletion_does_not_undo_what_came_after_it(
    proxy: FaultProxy, harness: PostgresHarness, other: PostgresChatStore, call: Caller
) -> None:
    store = open_on(harness)
    call(
        store, "delete_messages", "k"
    )  # from now on asyncpg has prepared it, and sends nothing else
    call(store, "add_message", "k", message("old"))
    lose_reply(proxy, ANSWER, lambda: other.add_message("k", message("later")))
    call(store, "delete_messages", "k")
    assert proxy.lost == 1
    assert contents(other.get_messages("k")) == ["later"]
    call(store, "close")


def test_insertion_takes_effect_once(
    proxy: FaultProxy, harness: PostgresHarness, other: PostgresChatStore, call: Caller
) -> None:
    store = open_on(harness)
    call(store, "set_messages", "k", [message("a"), message("b")])
    for index, expected in ((1, "axb"), (-1, "axyb"), (9, "axybz")):
        text = next(c for c in expected if c not in "".join(contents(other.get_messages("k"))))
        lose_reply(proxy, ANSWER)
        call(store, "add_message", "k", message(text), index)
        assert "".join(contents(other.get_messages("k"))) == expected
    assert proxy.lost == 3
    call(store, "close")


def test_set_in_several_statements_takes_effect_once(
    proxy: FaultProxy,
    harness: PostgresHarness,
    other: PostgresChatStore,
    call: Caller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatstore.postgres.values.CHUNK_CHARACTERS", 2000)
    store = open_on(harness)
    call(store, "add_message", "k", message("old"))
    messages = [message(str(number)) for number in range(100)]
    lose_reply(proxy, b"COMMIT", lambda: other.add_message("k", message("later")))
    call(store, "set_messages", "k", messages)
    assert proxy.lost == 1
    assert other.get_messages("k") == [*messages, message("later")]
    lose_reply(proxy, b"COMMIT")
    call(store, "add_messages", "k", messages)
    assert proxy.lost == 2
    assert other.get_messages("k") == [*messages, message("later"), *messages]
    call(store, "close")


def test_silent_server_is_reported(
    proxy: FaultProxy, harness: PostgresHarness, call: Caller
) -> None:
    with open_on(harness) as usual:
        usual.add_message("k", message("a"))
    store = PostgresChatStore.from_uri(harness.url, table_name=harness.table, timeout=1)
    assert eventually(call, store, "count_messages", "k") == 1
    proxy.is_silent = True
    for name in ("count_messages", "count_messages"):  # on an open connection, on a new one
        with pytest.raises(StoreUnavailableError, match="did not answer within 1 s"):
            call(store, name, "k")
    proxy.is_silent = False
    assert eventually(call, store, "count_messages", "k") == 1
    call(store, "close")


def eventually(call: Caller, store: ChatStore, name: str, *arguments: Any) -> Any:
    """Call a store whose timeout a busy machine may exceed, until it answers."""
    for _ in range(60):
        with suppress(StoreUnavailableError):
            return call(store, name, *arguments)
    return call(store, name, *arguments)


def test_server_that_is_down_is_reported(call: Caller) -> None:
    uri = f"postgresql://postgres:secret@127.0.0.1:{free_port()}/postgres"
    store = PostgresChatStore.from_uri(uri, table_name=fresh_name(), patience=0.2)
    with pytest.raises(StoreUnavailableError) as caught:
        call(store, "count_messages", "k")
    assert caught.value.__cause__ is not None
    assert "secret" not in str(caught.value)
    call(store, "close")


def test_cancelled_calls_leave_whole_effects(
    harness: PostgresHarness, other: PostgresChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatstore.postgres.values.CHUNK_CHARACTERS", 4000)

    async def scenario() -> None:
        async with open_on(harness) as store:
            await store.async_add_message("k", message("old"))
            for number in range(40):
                messages = [message(f"{number}") for _ in range(100)]
                task = asyncio.create_task(store.async_set_messages("k", messages))
                await asyncio.sleep(0.0005 * number)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                result = contents(await store.async_get_messages("k"))
                assert len(set(result)) == 1
                assert len(result) in {1, 100}

    asyncio.run(scenario())
