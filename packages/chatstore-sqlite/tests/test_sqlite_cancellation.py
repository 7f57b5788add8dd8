"""Cancelled async calls wait without using the processor, and give up waiting for a lock."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from chatstore.core import ChatStore
from chatstore.core.backend import Append, Existing, Plan, WrapperBackend, call
from chatstore.core.testing.messages import contents, message
from chatstore.sqlite import SQLiteChatStore
from chatstore.sqlite.backend import SQLiteBackend

LONG = 60.0  # seconds that no test waits for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "chat.db"
    with SQLiteChatStore(path) as store:
        store.add_message("k", message("first"))
    return path


def test_a_call_that_waits_for_another_program_gives_up_when_it_is_cancelled(path: Path) -> None:
    async def main() -> None:
        async with SQLiteChatStore(path, timeout=LONG) as store:
            task = asyncio.create_task(store.async_add_message("k", message("late")))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        asyncio.run(main())
        assert time.monotonic() - start < LONG / 2
        other.execute("ROLLBACK")
    with SQLiteChatStore(path) as store:
        assert contents(store.get_messages("k")) == ["first"]


def test_a_call_that_waits_for_another_thread_gives_up_when_it_is_cancelled(path: Path) -> None:
    async def main() -> None:
        async with SQLiteChatStore(path, timeout=LONG) as store:
            backend = store.backend
            assert isinstance(backend, SQLiteBackend)
            with backend.database.connections.write_lock:
                task = asyncio.create_task(store.async_add_message("k", message("late")))
                await asyncio.sleep(0.2)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await store.async_count_messages("k") == 1

    start = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - start < LONG / 2


def test_a_cancelled_write_ends_without_using_the_processor(path: Path) -> None:
    """Under anyio, whose cancelled scopes cancel again in each round of the event loop."""
    release = threading.Event()

    class SlowBackend(WrapperBackend[Any]):
        def append(self, key: str, write: Append) -> Plan[Any, list[Existing]]:
            yield from call(lambda _: release.wait(LONG))
            return (yield from super().append(key, write))

    async def main() -> None:
        async with ChatStore(SlowBackend(SQLiteChatStore(path).backend)) as store:
            with anyio.CancelScope() as scope:
                asyncio.get_running_loop().call_later(0.1, scope.cancel)
                asyncio.get_running_loop().call_later(0.6, release.set)
                await store.async_add_message("k", message("whole"))
            assert scope.cancelled_caught

    cpu = time.thread_time()
    asyncio.run(main())
    # A loop that spins uses the processor for all of the half second.
    assert time.thread_time() - cpu < 0.25
    with SQLiteChatStore(path) as store:
        assert contents(store.get_messages("k")) == ["first", "whole"]
