"""Stores connect lazily, close once, and survive threads, loops, forks and cancellation."""

import asyncio
import multiprocessing
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from chatstore.core import ChatStore, StoreClosedError
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


def _use_in_child(store: ChatStore) -> None:
    store.add_message("k", message("child"))
    if "child" not in contents(store.get_messages("k")):
        raise SystemExit(3)


@contextmanager
def _connections_and_files() -> Iterator[list[str]]:
    """Collect the files for writing, databases and connections that this thread opens."""
    seen: list[str] = []
    thread = threading.get_ident()
    is_watching = True

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if is_watching and threading.get_ident() == thread:
            writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
            if writes or event in {"socket.connect", "socket.getaddrinfo", "sqlite3.connect"}:
                seen.append(event)

    sys.addaudithook(watch)  # hooks cannot be removed, hence the switch
    try:
        yield seen
    finally:
        is_watching = False


class Lifecycle(Base):
    def test_constructor_does_no_io(self, opened: Callable[..., ChatStore]) -> None:
        opened()  # the modules that it needs are loaded now
        with _connections_and_files() as seen:
            store = opened()
        assert seen == []
        assert store.get_messages("k") == []

    def test_closed_store_raises(self, store: ChatStore, call: Caller) -> None:
        call(store, "add_message", "k", message("a"))
        call(store, "close")
        call(store, "close")
        for name in ("get_messages", "count_messages", "delete_messages"):
            with pytest.raises(StoreClosedError):
                call(store, name, "k")
        with pytest.raises(StoreClosedError):
            call(store, "add_message", "k", message("b"))

    def test_closes_before_first_use(self, store: ChatStore, call: Caller) -> None:
        call(store, "close")
        with pytest.raises(StoreClosedError):
            call(store, "get_keys")

    def test_loops_one_after_another(self, opened: Callable[..., ChatStore]) -> None:
        store = opened()
        for i in range(3):
            asyncio.run(store.async_add_message("k", message(str(i))))
        assert contents(store.get_messages("k")) == ["0", "1", "2"]

    def test_loops_at_once_beside_threads(self, opened: Callable[..., ChatStore]) -> None:
        store = opened()

        async def append(worker: int) -> None:
            for i in range(10):
                await store.async_add_message("k", message(f"{worker} {i}"))

        def work(worker: int) -> None:
            if worker % 2:
                asyncio.run(append(worker))
            else:
                for i in range(10):
                    store.add_message("k", message(f"{worker} {i}"))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        got = contents(store.get_messages("k"))
        assert len(got) == 40
        for w in range(4):
            assert [t for t in got if t[0] == str(w)] == [f"{w} {i}" for i in range(10)]

    def test_worker_threads_beside_tasks(self, opened: Callable[..., ChatStore]) -> None:
        store = opened()

        async def scenario() -> None:
            calls = [asyncio.to_thread(store.add_message, "k", message(f"t{i}")) for i in range(12)]
            tasks = [store.async_add_message("k", message(f"a{i}")) for i in range(12)]
            await asyncio.gather(*calls, *tasks)
            expected = [f"{c}{i}" for c in "at" for i in range(12)]
            assert sorted(contents(await store.async_get_messages("k"))) == sorted(expected)

        asyncio.run(scenario())

    @pytest.mark.parametrize("ticks", [0, 1, 2, 5])
    def test_cancelled_call_is_whole_or_none(
        self, opened: Callable[..., ChatStore], ticks: int
    ) -> None:
        store = opened()

        async def scenario() -> None:
            messages = [message(str(i)) for i in range(50)]
            task = asyncio.create_task(store.async_add_messages("k", messages))
            for _ in range(ticks):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await store.async_count_messages("k") in (0, 50)
            await store.async_add_message("k", message("after"))
            assert contents(await store.async_get_messages("k", last=1)) == ["after"]

        asyncio.run(scenario())

    def test_forked_child_works(
        self, harness: ContractHarness, opened: Callable[..., ChatStore]
    ) -> None:
        if "fork" not in multiprocessing.get_all_start_methods():
            pytest.skip("this system cannot fork")
        store = opened()
        store.add_message("k", message("parent"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = multiprocessing.get_context("fork").Process(target=_use_in_child, args=(store,))
            child.start()
        child.join(30)
        if child.is_alive():
            child.kill()
            child.join()
        assert child.exitcode == 0
        expected = ["parent", "child"] if harness.shared_between_processes else ["parent"]
        assert contents(store.get_messages("k")) == expected
