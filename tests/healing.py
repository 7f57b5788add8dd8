"""Tests of stores over HTTP: they replace dead connections and never repeat a write."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from mistakes import patient

from chatstore.core import ChatMessage, ChatStore, StoreUnavailableError

TIMEOUT = 1.0
WRITERS = 8
APPENDS = 20_000 if os.environ.get("CHATSTORE_SOAK") else 160


class SyncCaller:
    """Calls sync methods; a burst uses threads."""

    def call(self, store: ChatStore, name: str, *args: Any) -> Any:
        return getattr(store, name)(*args)

    def burst(self, store: ChatStore, name: str, calls: list[tuple[Any, ...]]) -> list[Any]:
        """Return the results of calls made at once; errors are results."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(lambda args: self._result(store, name, args), calls))

    def close(self, store: ChatStore) -> None:
        store.close()

    def _result(self, store: ChatStore, name: str, args: tuple[Any, ...]) -> Any:
        try:
            return self.call(store, name, *args)
        except StoreUnavailableError as error:
            return error


class AsyncCaller:
    """Calls async methods on one event loop; a burst uses tasks."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def call(self, store: ChatStore, name: str, *args: Any) -> Any:
        return self.loop.run_until_complete(getattr(store, f"async_{name}")(*args))

    def burst(self, store: ChatStore, name: str, calls: list[tuple[Any, ...]]) -> list[Any]:
        """Return the results of calls made at once; errors are results."""

        async def all_of_them() -> list[Any]:
            method = getattr(store, f"async_{name}")
            return await asyncio.gather(*(method(*args) for args in calls), return_exceptions=True)

        return self.loop.run_until_complete(all_of_them())

    def close(self, store: ChatStore) -> None:
        self.call(store, "close")
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


def message(text: str) -> ChatMessage:
    return ChatMessage(role="user", content=text)


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
    """Append until everything is written; failed calls are repeated with the same ids."""

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
            contents = [item.content for item in await self._read(f"k{key}")]
            assert len(contents) == 2 * self.each
            for writer in (2 * key, 2 * key + 1):
                mine = [text for text in contents if str(text).startswith(f"{writer} ")]
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
    return f"k{writer // 2}", ChatMessage(role="user", content=text, id=f"id {text}")


class HealingTests:
    """A package's tests give ``relay``, ``store`` (with `TIMEOUT`) and ``recycle``.

    ``recycle(seconds)`` sets the age at which connections are replaced.
    """

    @pytest.fixture(params=[SyncCaller, AsyncCaller], ids=["sync", "async"])
    def caller(self, request: pytest.FixtureRequest) -> Any:
        return request.param()

    @pytest.fixture
    def opened(self, store: ChatStore, caller: Any) -> Any:
        """Open many connections, as a busy program has them."""
        calls = [(f"k{number}", message("first")) for number in range(WRITERS)]
        assert caller.burst(store, "add_message", calls) == [None] * WRITERS
        yield store
        caller.close(store)

    def test_after_a_silent_drop_one_call_fails_at_most(
        self, opened: ChatStore, relay: Any, caller: Any
    ) -> None:
        relay.forget()
        begin = time.monotonic()
        failures = 0
        for number in range(WRITERS):
            [result] = caller.burst(opened, "count_messages", [(f"k{number}",)])
            failures += isinstance(result, Exception)
        assert failures <= 1
        assert time.monotonic() - begin < patient(4 * TIMEOUT)

    def test_after_a_silent_drop_a_burst_fails_once_at_most(
        self, opened: ChatStore, relay: Any, caller: Any
    ) -> None:
        relay.forget()
        calls = [(f"k{number}", message("second")) for number in range(WRITERS)]
        caller.burst(opened, "add_message", calls)
        counts = caller.burst(opened, "count_messages", [call[:1] for call in calls])
        assert not [count for count in counts if isinstance(count, Exception)]
        # A call that failed may have taken effect, but no call did so twice.
        assert all(1 <= count <= 2 for count in counts)

    def test_after_resets_every_call_succeeds(
        self, opened: ChatStore, relay: Any, caller: Any
    ) -> None:
        for attempt in range(3):
            relay.cut()
            calls = [(f"k{number}", message(f"{attempt}")) for number in range(WRITERS)]
            assert caller.burst(opened, "add_message", calls) == [None] * WRITERS
        keys = [(f"k{number}",) for number in range(WRITERS)]
        counts = caller.burst(opened, "count_messages", keys)
        assert counts == [4] * WRITERS

    def test_after_a_restart_the_next_call_succeeds(
        self, opened: ChatStore, relay: Any, caller: Any
    ) -> None:
        relay.refuse()
        relay.cut()
        begin = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="connection refused"):
            caller.call(opened, "add_message", "k0", message("second"))
        assert time.monotonic() - begin < patient(8)
        relay.restore()
        caller.call(opened, "add_message", "k0", message("third"))
        assert caller.call(opened, "count_messages", "k0") == 2

    def test_connections_of_an_age_are_replaced_before_they_are_used(
        self,
        opened: ChatStore,
        relay: Any,
        caller: Any,
        recycle: Callable[[float], None],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        recycle(0.0)
        relay.forget()
        with caplog.at_level("WARNING", logger="chatstore"):
            assert caller.call(opened, "count_messages", "k0") == 1
        # A wait for an answer on an old connection would be logged.
        assert "no answer in time" not in caplog.text

    def test_lost_replies_double_nothing(self, opened: ChatStore, relay: Any, caller: Any) -> None:
        for number in range(5):
            relay.lose_replies(1)
            caller.call(opened, "add_message", "k0", message(f"{number}"))
        relay.lose_replies(0)
        contents = [one.content for one in caller.call(opened, "get_messages", "k0")]
        assert contents == ["first", *map(str, range(5))]

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
        assert pause < patient(6 * TIMEOUT)
