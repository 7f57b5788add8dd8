"""Tests of stores over HTTP: they replace dead connections and store no message twice."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chatstore.core import ChatMessage, ChatStore, StoreUnavailableError
from chatstore.core.testing.attempts import attempting
from chatstore.core.testing.contract.modes import AsyncCaller, Caller, SyncCaller
from chatstore.core.testing.messages import contents, message

SHORT, LONG = 2.0, 60.0  # seconds
WRITERS = 8
APPENDS = 20_000 if os.environ.get("CHATSTORE_SOAK") else 160


def burst(caller: Caller, store: ChatStore, name: str, calls: list[tuple[Any, ...]]) -> list[Any]:
    """Return the results of calls made at the same time; errors are results."""
    attempts = attempting(store)
    results = caller.together([[(attempts, name, args)] for args in calls])
    return [attempt.error or attempt.result for [attempt] in results]


@contextmanager
def disturbed(relay: Any) -> Iterator[None]:
    """Cut, forget and delay connections, one after the other, twice a second."""
    ended = threading.Event()

    def disturb() -> None:
        faults = [relay.cut, relay.forget, lambda: relay.delay(0.05), lambda: relay.delay(0)]
        for fault in itertools.cycle(faults):
            if ended.wait(0.5):
                return
            fault()

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        relay.delay(0)


class Writers:
    """Write until all messages are stored; repeat failed calls with the same ids."""

    def __init__(self, store: ChatStore) -> None:
        self.store = store
        self.each = APPENDS // WRITERS
        self.times: list[float] = []

    async def run(self) -> None:
        """Run all writers, and check that every message exists once, in order."""
        threads = [asyncio.to_thread(self._work, writer) for writer in range(0, WRITERS, 2)]
        tasks = [self._work_async(writer) for writer in range(1, WRITERS, 2)]
        await asyncio.gather(*threads, *tasks)
        for key in range(WRITERS // 2):
            stored = contents(await self._read(f"k{key}"))
            assert len(stored) == 2 * self.each
            for writer in (2 * key, 2 * key + 1):
                mine = [text for text in stored if str(text).startswith(f"{writer} ")]
                assert mine == [f"{writer} {number}" for number in range(self.each)]
        await self.store.async_close()

    def measured(self) -> tuple[float, float]:
        """Return how long the writes took and the longest time without a write, in seconds."""
        times = sorted(self.times)
        pauses = (after - before for before, after in itertools.pairwise(times))
        return times[-1] - times[0], max(pauses)

    def _work(self, writer: int) -> None:
        for number in range(self.each):
            while not self._is_done(lambda n=number: self.store.add_message(*_named(writer, n))):
                pass

    async def _work_async(self, writer: int) -> None:
        for number in range(self.each):
            while True:
                try:
                    await self.store.async_add_message(*_named(writer, number))
                except StoreUnavailableError:
                    continue
                self.times.append(time.monotonic())
                break

    def _is_done(self, add: Any) -> bool:
        try:
            add()
        except StoreUnavailableError:
            return False
        self.times.append(time.monotonic())
        return True

    async def _read(self, key: str) -> list[ChatMessage]:
        while True:
            try:
                return await self.store.async_get_messages(key)
            except StoreUnavailableError:
                continue


def _named(writer: int, number: int) -> tuple[str, ChatMessage]:
    """Return a message with an id, so that a writer may repeat a call of unknown outcome."""
    text = f"{writer} {number}"
    return f"k{writer // 2}", message(text, id=f"id {text}")


class HealingTests:
    """A subclass provides the fixtures ``relay``, ``store`` (with ``timeout``) and ``recycle``.

    ``recycle(seconds)`` sets the age at which connections are replaced.
    """

    @pytest.fixture(params=[SyncCaller, AsyncCaller], ids=["sync", "async"])
    def caller(self, request: pytest.FixtureRequest) -> Iterator[Caller]:
        caller: Caller = request.param()
        yield caller
        caller.close()

    @pytest.fixture
    def timeout(self, request: pytest.FixtureRequest) -> float:
        """Return the store's timeout: a short one for faults that only a timeout ends."""
        return LONG if request.node.get_closest_marker("short_timeout") is None else SHORT

    @pytest.fixture
    def opened(self, store: ChatStore, caller: Caller) -> Iterator[ChatStore]:
        """Return a store with many open connections, as in a busy program."""
        calls = [(f"k{number}", message("first")) for number in range(WRITERS)]
        assert burst(caller, store, "add_message", calls) == [None] * WRITERS
        yield store
        caller(store, "close")

    @pytest.mark.short_timeout(SHORT)
    def test_after_a_silent_drop_one_call_fails_at_most(
        self, opened: ChatStore, relay: Any, caller: Caller, caplog: pytest.LogCaptureFixture
    ) -> None:
        relay.forget()
        failures = 0
        with caplog.at_level("WARNING", logger="chatstore"):
            for number in range(WRITERS):
                [result] = burst(caller, opened, "count_messages", [(f"k{number}",)])
                failures += isinstance(result, Exception)
        assert failures <= 1
        assert caplog.text.count("no answer in time; trying again") <= 1

    @pytest.mark.short_timeout(SHORT)
    def test_after_a_silent_drop_a_burst_fails_once_at_most(
        self, opened: ChatStore, relay: Any, caller: Caller
    ) -> None:
        relay.forget()
        calls = [(f"k{number}", message("second")) for number in range(WRITERS)]
        burst(caller, opened, "add_message", calls)
        counts = burst(caller, opened, "count_messages", [call[:1] for call in calls])
        assert not [count for count in counts if isinstance(count, Exception)]
        # A call that failed may have taken effect, but no call did so twice.
        assert all(1 <= count <= 2 for count in counts)

    def test_after_resets_every_call_succeeds(
        self, opened: ChatStore, relay: Any, caller: Caller
    ) -> None:
        for attempt in range(3):
            relay.cut()
            calls = [(f"k{number}", message(f"{attempt}")) for number in range(WRITERS)]
            assert burst(caller, opened, "add_message", calls) == [None] * WRITERS
        keys = [(f"k{number}",) for number in range(WRITERS)]
        counts = burst(caller, opened, "count_messages", keys)
        assert counts == [4] * WRITERS

    def test_after_a_restart_the_next_call_succeeds(
        self, opened: ChatStore, relay: Any, caller: Caller
    ) -> None:
        relay.refuse()
        relay.cut()
        with pytest.raises(StoreUnavailableError, match="connection refused"):
            caller(opened, "add_message", "k0", message("second"))
        relay.restore()
        caller(opened, "add_message", "k0", message("third"))
        assert caller(opened, "count_messages", "k0") == 2

    def test_connections_of_an_age_are_replaced_before_they_are_used(
        self,
        opened: ChatStore,
        relay: Any,
        caller: Caller,
        recycle: Callable[[float], None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        recycle(0.0)
        relay.forget()
        with caplog.at_level("WARNING", logger="chatstore"):
            assert caller(opened, "count_messages", "k0") == 1
        # A wait for an answer on an old connection would be logged.
        assert "no answer in time" not in caplog.text

    def test_lost_replies_double_nothing(
        self, opened: ChatStore, relay: Any, caller: Caller
    ) -> None:
        for number in range(5):
            relay.lose_replies(1)
            caller(opened, "add_message", "k0", message(f"{number}"))
        relay.lose_replies(0)
        assert contents(caller(opened, "get_messages", "k0")) == ["first", *map(str, range(5))]

    @pytest.mark.short_timeout(SHORT)
    def test_writers_under_faults_lose_and_double_nothing(
        self, store: ChatStore, relay: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Half of the writers are threads, half are tasks; two share each conversation."""
        writers = Writers(store)
        with disturbed(relay):
            asyncio.run(writers.run())
        seconds, pause = writers.measured()
        with capsys.disabled():
            print(
                f"\n{store.server}: {APPENDS} appends in {seconds:.0f} s, "
                f"longest time without a write {pause:.1f} s"
            )
