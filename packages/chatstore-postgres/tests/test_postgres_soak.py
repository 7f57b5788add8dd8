"""Many appends under faults and failovers, and writers that are killed: nothing is lost.

``make soak`` runs the long forms, and prints what they measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from postgres_calling import contents, message
from postgres_failover import Pair
from postgres_harness import PostgresHarness
from postgres_servers import PostgresServer, newest_binaries, older_binaries

from chatstore.core import ChatStoreError, StoreAccessError, StoreUnavailableError
from chatstore.postgres import PostgresChatStore, values

IS_LONG = bool(os.environ.get("CHATSTORE_SOAK"))
WRITERS = 8
APPENDS = 20_000 if IS_LONG else 400
EVERY = 10.0 if IS_LONG else 2.0  # seconds between two failovers
PAUSE = 0.02 if IS_LONG else 0.1  # seconds between two appends of a writer
KILLS = 200 if IS_LONG else 8


@pytest.fixture
def pair() -> Iterator[Pair]:
    started = Pair(newest_binaries())
    yield started
    started.close()


class Log:
    """What writers did, and the longest time without a success."""

    def __init__(self) -> None:
        self.errors: Counter[str] = Counter()
        self.longest = 0.0
        self.count = 0
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def succeed(self) -> None:
        with self._lock:
            now = time.monotonic()
            self.longest = max(self.longest, now - self._last)
            self._last = now
            self.count += 1

    def fail(self, error: ChatStoreError) -> None:
        """Count an error after which a program may repeat the call."""
        if not isinstance(error, (StoreUnavailableError, StoreAccessError)):
            raise error
        with self._lock:
            self.errors[type(error).__name__] += 1


def of(writer: int) -> list[str]:
    return [f"{writer}.{number}" for number in range(APPENDS // WRITERS)]


def write(store: PostgresChatStore, writer: int, log: Log) -> None:
    for name in of(writer):
        while True:
            try:
                store.add_message("k", message(name, id=name))
            except ChatStoreError as error:
                log.fail(error)
            else:
                break
        log.succeed()
        time.sleep(PAUSE)


async def async_write(store: PostgresChatStore, writer: int, log: Log) -> None:
    for name in of(writer):
        while True:
            try:
                await store.async_add_message("k", message(name, id=name))
            except ChatStoreError as error:
                log.fail(error)
            else:
                break
        log.succeed()
        await asyncio.sleep(PAUSE)


def disturb(pair: Pair, writing: list[Future[Any]], faults: Counter[str]) -> None:
    """Cut, forget, delay and lose replies, and fail over every few seconds.

    In the main thread: a server ends with the thread that started it.
    """
    choice = random.Random(7)
    pair.proxy.loss = 0.003
    next_failover = time.monotonic() + EVERY
    next_rebuild = float("inf")
    while wait(writing, choice.uniform(0.2, 1.0)).not_done:
        fault = choice.choice(["cut", "forget", "delay", "none"])
        faults[fault] += 1
        pair.proxy.delay = 0.002 if fault == "delay" else 0.0
        if fault == "cut":
            pair.proxy.cut()
        elif fault == "forget":
            pair.proxy.forget()
        if time.monotonic() > next_failover:
            pair.fail_over()
            next_failover, next_rebuild = float("inf"), time.monotonic() + EVERY / 4
        elif time.monotonic() > next_rebuild:
            pair.rebuild()
            next_failover, next_rebuild = time.monotonic() + EVERY * 3 / 4, float("inf")


def test_appends_under_faults_and_failovers(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    with PostgresChatStore(pair.primary.url()) as direct:
        direct.setup()
    log = Log()
    faults: Counter[str] = Counter()
    store = PostgresChatStore(pair.proxy.url, timeout=2, patience=30, max_connections=WRITERS)

    async def tasks() -> None:
        await asyncio.gather(*(async_write(store, n, log) for n in range(0, WRITERS, 2)))
        await asyncio.to_thread(wait, threads)  # closing ends the calls of other threads, too
        await store.async_close()

    started = time.monotonic()
    with ThreadPoolExecutor(WRITERS) as pool:
        threads = [pool.submit(write, store, n, log) for n in range(1, WRITERS, 2)]
        writing = [*threads, pool.submit(lambda: asyncio.run(tasks()))]
        disturb(pair, writing, faults)
        for one in writing:
            one.result()
    took = time.monotonic() - started
    with PostgresChatStore(pair.primary.url()) as direct:
        result = contents(direct.get_messages("k"))
        assert direct.count_messages("k") == APPENDS
    assert Counter(result) == Counter(name for writer in range(WRITERS) for name in of(writer))
    for writer in range(WRITERS):  # each in the order of the answers
        assert [name for name in result if name.startswith(f"{writer}.")] == of(writer)
    assert pair.failovers
    with capsys.disabled():
        print(
            f"\n{APPENDS} appends by {WRITERS} writers in {took:.0f} s, {pair.failovers} failovers,"
            f" {pair.proxy.lost} lost replies, faults {dict(faults)}, errors that writers answered"
            f" by the same call {dict(log.errors)}, longest time without a write"
            f" {log.longest:.1f} s"
        )


def write_until_killed(url: str, table: str, seed: int, barrier: Any) -> None:
    """In a child: replace and extend conversations, each in one transaction of many parts."""
    values.CHUNK_CHARACTERS = 20_000
    choice = random.Random(seed)
    store = PostgresChatStore(url, table_name=table)
    store.count_messages("k")
    barrier.wait(60)
    while True:
        batch = f"{seed}.{choice.random()}"
        messages = [message(f"{batch} {'x' * 200}") for _ in range(1000)]
        how = choice.choice(["set", "add", "large", "remove"])
        if how == "set":
            store.set_messages("k", messages)
        elif how == "add":
            store.add_messages("added", messages)
        elif how == "large":
            store.set_messages("large", [message(f"{batch} {'x' * 300_000}") for _ in range(3)])
        else:
            store.delete_message("k", choice.randrange(1000))


def test_writers_that_are_killed_leave_whole_conversations(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from postgres_servers import PostgresServer

    server = PostgresServer(older_binaries())
    harness = PostgresHarness(server)
    context = multiprocessing.get_context("fork")
    choice = random.Random(7)
    size = (
        "SELECT sum(pg_total_relation_size(format('{t}_%%s', part)::regclass))::bigint "
        "FROM unnest(ARRAY['conversations', 'messages', 'requests']) part"
    ).replace("%%", "%")

    def measured() -> int:
        return int(server.execute(size.replace("{t}", harness.table))[0][0])

    with harness.open() as store:
        store.set_messages("k", [message("first 0") for _ in range(1000)])
    before = measured()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads
        for number in range(KILLS):
            barrier = context.Barrier(2)
            child = context.Process(
                target=write_until_killed, args=(harness.url, harness.table, number, barrier)
            )
            child.start()
            barrier.wait(60)
            time.sleep(choice.uniform(0.0, 0.3))
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)
            child.join(60)
            assert child.exitcode == -signal.SIGKILL
    wait_for_sessions(server)
    with harness.open() as store:
        for key in store.get_keys():
            result = contents(store.get_messages(key))
            assert len(result) == store.count_messages(key)
            batches = Counter(text.split(" ")[0] for text in result)
            if key == "added":  # whole appends only
                assert set(batches.values()) == {1000}
            else:  # one set, without the messages that were removed since
                assert len(batches) == 1
        orphans = server.execute(
            f"SELECT count(*) FROM {harness.table}_messages m WHERE NOT EXISTS "
            f"(SELECT FROM {harness.table}_conversations c WHERE c.id = m.conversation)"
        )
        assert orphans == [(0,)]
        lengths = server.execute(
            f"SELECT count(*) FROM {harness.table}_conversations c WHERE c.length <> "
            f"(SELECT count(*) FROM {harness.table}_messages m WHERE m.conversation = c.id)"
        )
        assert lengths == [(0,)]
        after = measured()
        for key in store.get_keys():
            store.delete_messages(key)
        server.execute(f"UPDATE {harness.table}_requests SET expires_at = now() - interval '1 s'")
        store.purge_expired()
        for part in ("conversations", "messages", "requests"):
            assert server.execute(f"SELECT count(*) FROM {harness.table}_{part}") == [(0,)]
            server.execute(f"VACUUM {harness.table}_{part}")
        reclaimed = measured()
    server.close()
    # Empty indexes and tables keep a few pages.
    assert reclaimed < after / 2
    with capsys.disabled():
        print(
            f"\n{KILLS} kills in large writes: {before / 2**20:.1f} MiB before, "
            f"{after / 2**20:.1f} MiB after, {reclaimed / 2**20:.1f} MiB once all was deleted, "
            "purged and vacuumed"
        )


def wait_for_sessions(server: PostgresServer) -> None:
    """Wait until the server has noticed that its clients are gone."""
    deadline = time.monotonic() + 60
    while server.execute(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
