"""Many appends under faults and failovers, and writers that are killed: nothing is lost.

``make soak`` runs the long forms, and prints what they measured.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
import redis
from redis_interception import backend_of
from redis_pair import Pair

from chatstore.core import ChatMessage, ChatStoreError, StoreAccessError, StoreUnavailableError
from chatstore.redis import RedisChatStore
from chatstore.redis_scripts import Limits
from chatstore.redis_scripts.testing import redis_server

Open = Callable[[str], RedisChatStore]
IS_LONG = bool(os.environ.get("CHATSTORE_SOAK"))
WRITERS = 8
APPENDS = 20_000 if IS_LONG else 400
EVERY = 10.0 if IS_LONG else 1.5  # seconds between two failovers
PAUSE = (
    0.02 if IS_LONG else 0.08
)  # seconds between two appends of a writer, so that there is time for faults
KILLS = 200 if IS_LONG else 10
BATCH = 40  # messages of a large write, of 50 KB each
STAGED_SECONDS = 600


def message(name: str) -> ChatMessage:
    return ChatMessage(role="user", content=name, id=name)


class Log:
    """What writers did, and the longest time in which no write succeeded."""

    def __init__(self) -> None:
        self.errors: Counter[str] = Counter()
        self.longest = 0.0
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def succeed(self) -> None:
        with self._lock:
            now = time.monotonic()
            self.longest = max(self.longest, now - self._last)
            self._last = now

    def fail(self, error: ChatStoreError) -> None:
        """Note an error after which a program may repeat the call."""
        if not isinstance(error, (StoreUnavailableError, StoreAccessError)):
            raise error
        with self._lock:
            self.errors[type(error).__name__] += 1


def names_of(writer: int) -> list[str]:
    return [f"{writer}.{number}" for number in range(APPENDS // WRITERS)]


def write(store: RedisChatStore, writer: int, log: Log) -> None:
    for name in names_of(writer):
        while True:
            try:
                store.add_message("k", message(name))
            except ChatStoreError as error:
                log.fail(error)
            else:
                break
        log.succeed()
        time.sleep(PAUSE)


async def async_write(store: RedisChatStore, writer: int, log: Log) -> None:
    for name in names_of(writer):
        while True:
            try:
                await store.async_add_message("k", message(name))
            except ChatStoreError as error:
                log.fail(error)
            else:
                break
        log.succeed()
        await asyncio.sleep(PAUSE)


def disturb(pair: Pair, writing: list[Future[None]], faults: Counter[str]) -> None:
    """Cut, forget, delay and lose replies, and fail over every few seconds."""
    choice = random.Random(7)
    next_failover = time.monotonic() + EVERY
    while wait(writing, choice.uniform(0.2, 1.0)).not_done:
        fault = choice.choice(["cut", "forget", "delay", "lose", "none"])
        faults[fault] += 1
        pair.relay.delay(0.002 if fault == "delay" else 0.0)
        if fault == "cut":
            pair.relay.cut()
        elif fault == "forget":
            pair.relay.forget()
        elif fault == "lose":
            pair.relay.lose_replies(3, containing=b"EVALSHA")
        if time.monotonic() > next_failover:
            pair.fail_over()
            next_failover = time.monotonic() + EVERY


@pytest.fixture
def pair() -> Iterator[Pair]:
    started = Pair()
    yield started
    started.close()


@pytest.mark.parametrize("patience", [1.0, 0.0])
def test_appends_under_faults_and_failovers(
    pair: Pair, patience: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log()
    faults: Counter[str] = Counter()
    url = f"redis://127.0.0.1:{pair.relay.port}?timeout=1&max_connections={WRITERS}"
    store = RedisChatStore(url, patience=patience)

    async def tasks(threads: list[Future[None]]) -> None:
        await asyncio.gather(*(async_write(store, n, log) for n in range(0, WRITERS, 2)))
        await asyncio.gather(*map(asyncio.wrap_future, threads))
        await store.async_close()

    started = time.monotonic()
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, store, n, log) for n in range(1, WRITERS, 2)]
        threads = writing.copy()
        writing.append(pool.submit(lambda: asyncio.run(tasks(threads))))
        disturb(pair, writing, faults)
        for one in writing:
            one.result()
    took = time.monotonic() - started
    with RedisChatStore(f"redis://127.0.0.1:{pair.primary.port}") as direct:
        contents = [str(one.content) for one in direct.get_messages("k")]
        assert direct.count_messages("k") == APPENDS
    store.close()
    assert Counter(contents) == Counter(
        name for writer in range(WRITERS) for name in names_of(writer)
    )
    for writer in range(WRITERS):  # in the order of the answers
        assert [name for name in contents if name.startswith(f"{writer}.")] == names_of(writer)
    assert pair.failovers
    with capsys.disabled():
        print(
            f"\nRedis, patience {patience:g} s: {APPENDS} appends by {WRITERS} writers in "
            f"{took:.0f} s, {pair.failovers} failovers (which delayed writes for up to "
            f"{pair.longest_pause:.2f} s), faults {dict(faults)}, "
            f"errors {dict(log.errors)}, longest without a write {log.longest:.2f} s"
        )


def open_staging(url: str) -> RedisChatStore:
    """Open a store that writes in chunks, as over Upstash."""
    store = RedisChatStore(url)
    backend_of(store).limits = Limits(max_request_bytes=256 * 1024)
    return store


def write_until_killed(open_store: Open, url: str, number: int, pipe: int) -> None:
    """Append and replace large batches, each of which must be whole."""
    text = "x" * 50_000
    with open_store(url) as store:
        for batch in range(1_000_000):
            name = f"{number}.{batch}"
            batched = [ChatMessage(role="user", content=f"{name} {text}")] * BATCH
            os.write(pipe, b".")
            if batch % 2:
                store.set_messages("replaced", batched)
            else:
                store.add_messages(f"appended {number % 10}", batched)


def kill_a_writer(open_store: Open, url: str, number: int, choice: random.Random) -> None:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if not child:
        try:
            write_until_killed(open_store, url, number, writer)
        finally:
            os._exit(1)
    os.close(writer)
    for _ in range(choice.randrange(1, 4)):
        os.read(reader, 1)
    time.sleep(choice.uniform(0, 0.06))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)


@pytest.mark.parametrize("open_store", [RedisChatStore, open_staging])
def test_killed_writers_leave_whole_conversations(
    open_store: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    choice = random.Random(7)
    with redis_server() as server, redis.Redis(port=server.port) as admin:
        url = f"redis://127.0.0.1:{server.port}"
        empty = admin.info("memory")["used_memory"]
        for number in range(KILLS):
            kill_a_writer(open_store, url, number, choice)
            if number % 20 == 19:
                check_whole(url)
                with RedisChatStore(url) as store:  # to save memory
                    for key in store.get_keys("appended"):
                        store.delete_messages(key)
        check_whole(url)
        with RedisChatStore(url) as store:
            for key in store.get_keys():
                store.delete_messages(key)
        left: Any = admin.keys("*")
        staged = [name for name in left if b":staged:" in name]
        size = admin.info("memory")["used_memory"]
        # These keys expire.
        assert all(0 < admin.pttl(name) <= 2 * STAGED_SECONDS * 1000 for name in left)
        assert all(admin.pttl(name) <= STAGED_SECONDS * 1000 for name in staged)
        for name in left:
            admin.pexpire(name, 1)
        deadline = time.monotonic() + 60
        while admin.dbsize():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        end = admin.info("memory")["used_memory"]
    with capsys.disabled():
        print(
            f"\nRedis, {open_store.__name__}: {KILLS} kills, left {len(staged)} staged writes, "
            f"memory {empty >> 10} KiB empty, {size >> 10} KiB with what killed writers left, "
            f"{end >> 10} KiB after it expired"
        )


def check_whole(url: str) -> None:
    """Read everything; each batch is complete and in one piece."""
    with RedisChatStore(url) as store:
        for key in store.get_keys():
            names = [str(one.content).partition(" ")[0] for one in store.get_messages(key)]
            assert len(names) % BATCH == 0
            batches = names[::BATCH]
            assert names == [name for name in batches for _ in range(BATCH)]
            assert len(set(batches)) == len(batches)
