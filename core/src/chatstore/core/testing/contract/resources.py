"""Closing ends the threads, files and connections of a store; async calls do not block."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base, require
from chatstore.core.testing.contract.modes import PATIENCE
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import message

Opener = Callable[[], ChatStore]
_LOOKS = 250  # for threads and sockets that may still end; counts do not grow in a stall
_LOOK_SECONDS = 0.02
_TRIES = 5  # of what a stall may disturb


def _resources() -> set[str]:
    """Return this process's threads, and its open files and sockets where the system lists them."""
    resources = {
        f"thread {thread.name} ({thread.ident})"
        for thread in threading.enumerate()
        if not thread.name.startswith("asyncio_")  # of the event loop, which ends them
    }
    folder = Path("/proc/self/fd")
    for link in list(folder.iterdir()) if folder.is_dir() else []:
        try:
            target = os.readlink(link)  # noqa: PTH115 - `socket:[1]` is not a path
        except OSError:  # the folder itself, which was open while it was listed
            continue
        if target.startswith(("/", "socket:")) and not target.startswith(("/dev/", "/proc/")):
            resources.add(f"open {link.name} {target}")
    return resources


def _leaks(before: set[str]) -> list[str]:
    """Return the resources that are still open after five seconds, except those before."""
    for _ in range(_LOOKS):
        if not _resources() - before:
            break
        gc.collect()  # unreachable objects are not leaks
        time.sleep(_LOOK_SECONDS)
    return sorted(_resources() - before)


def _use(store: ChatStore) -> None:
    threads = [threading.Thread(target=store.add_message, args=("k", message("a")))]
    for thread in threads:
        thread.start()
    store.get_messages("k")
    for thread in threads:
        thread.join()


async def _async_use(store: ChatStore) -> None:
    await asyncio.gather(*(store.async_add_message("k", message("a")) for _ in range(3)))
    await store.async_get_messages("k")


def _warm_up(opener: Opener) -> None:
    """Use stores, since a driver may open something at its first use and keep it open."""
    for _ in range(2):
        store = opener()
        _use(store)
        asyncio.run(_async_use(store))
        store.close()


def _closed(opener: Opener) -> list[str]:
    before = _resources()
    store = opener()
    _use(store)
    store.close()
    return _leaks(before)


def _closed_after_loops(opener: Opener) -> list[str]:
    before = _resources()
    store = opener()
    asyncio.run(_async_use(store))
    _use(store)
    asyncio.run(_async_use(store))
    store.close()
    return _leaks(before)


def _async_closed(opener: Opener) -> list[str]:
    async def scenario() -> list[str]:
        before = _resources()
        store = opener()
        await _async_use(store)
        await store.async_close()
        await asyncio.sleep(0.01)
        for _ in range(_LOOKS):
            if not _resources() - before:
                break
            gc.collect()
            await asyncio.sleep(_LOOK_SECONDS)
        return sorted(_resources() - before)

    return asyncio.run(scenario())


def _async_closed_after_both(opener: Opener) -> list[str]:
    before = _resources()
    store = opener()
    _use(store)

    async def scenario() -> None:
        await _async_use(store)
        await store.async_close()

    asyncio.run(scenario())
    return _leaks(before)


_WAYS: list[Callable[[Opener], list[str]]] = [
    _closed, _closed_after_loops, _async_closed, _async_closed_after_both,
]  # fmt: skip


def find_leaks(opener: Opener) -> list[str]:
    """Use and close stores in each way; return the resources that stay open."""
    _warm_up(opener)
    for way in _WAYS:
        leaks = way(opener)
        if leaks:
            return [f"{way.__name__.strip('_')}: {leak}" for leak in leaks]
    return []


def _send_leaks(opener: Opener, connection: Any) -> None:
    connection.send(find_leaks(opener))


class Resources(Base):
    def test_closing_leaves_nothing_open(self, harness: ContractHarness) -> None:
        """The test uses another process if it can: this one may run the database's server."""
        if not harness.shared_between_processes:
            assert find_leaks(harness.open) == []
            return
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_send_leaks, args=(harness.opener(), sending), daemon=True)
        with receiving, sending:
            process.start()
            sending.close()
            assert receiving.poll(2 * PATIENCE), "using and closing stores never ended"
            try:
                leaks = receiving.recv()
            except EOFError:
                pytest.fail("using and closing stores failed; its output says why")
            finally:
                process.join(PATIENCE)
        assert leaks == [], "closing left something open"

    def test_constructor_opens_nothing(
        self, harness: ContractHarness, sync_opened: Callable[..., ChatStore]
    ) -> None:
        """The constructor opens no thread, file or connection, not even through a C library."""
        sync_opened()  # the modules that it needs are loaded now
        gc.collect()
        before = _resources()
        stores = [sync_opened() for _ in range(3)]
        assert sorted(_resources() - before) == [], "the constructor opened something"
        assert len(stores) == 3

    def test_async_calls_leave_the_loop_free(
        self, harness: ContractHarness, sync_opened: Callable[..., ChatStore]
    ) -> None:
        """While a call waits for the database, other tasks run."""
        require(harness, "slow")
        store = sync_opened()

        async def ticks_of_a_call() -> int:
            ticks = 0
            with harness.slow() as seconds:
                task = asyncio.create_task(store.async_add_message("k", message("b")))
                await asyncio.sleep(0)  # the call begins
                while not task.done():
                    await asyncio.sleep(seconds / 10)
                    ticks += 1
                await task
            return ticks

        async def scenario() -> int:
            await store.async_add_message("k", message("a"))
            ticks = 0
            for _ in range(_TRIES):
                ticks = await ticks_of_a_call()
                if ticks >= 3:
                    break
            await store.async_close()
            return ticks

        # A call that blocks ends before the first tick does.
        assert asyncio.run(scenario()) >= 3, "an async method blocks the event loop"
