"""Stores that are in use when a process forks work in the parent and in the child."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import select
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from chatstore.core import ChatStore
from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import PATIENCE
from chatstore.core.testing.harness import ContractHarness
from chatstore.core.testing.messages import contents, message


class _Child:
    """A forked child, which runs a function and ends."""

    def __init__(self, work: Callable[[], object]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # about a fork while threads run
            self._pid = os.fork()
        if self._pid == 0:
            code = 1
            try:
                faulthandler.register(signal.SIGUSR1, file=2)  # standard error, which pytest shows
                work()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)

    def wait_for(self, sign: _Signal) -> None:
        """Wait until the child has set a signal.

        Raises:
            AssertionError: The child failed or hung before it set the signal.

        """
        deadline = time.monotonic() + PATIENCE
        while not sign.is_set(0.05):
            # WNOWAIT: `join` can still read the exit status.
            ended = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if (ended is not None and not sign.is_set(0)) or time.monotonic() > deadline:
                self.join()
                pytest.fail("the forked child ended too early")

    def join(self) -> None:
        """Wait until the child ends.

        Raises:
            AssertionError: The child failed or hung.

        """
        deadline = time.monotonic() + PATIENCE
        while (ended := os.waitpid(self._pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGUSR1)
                time.sleep(0.5)
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                pytest.fail("the forked child hung; its output says where")
            time.sleep(0.005)
        code = os.waitstatus_to_exitcode(ended[1])
        assert code == 0, f"the forked child failed with {code}; its output says why"


class _Signal:
    """Tells another process that something has happened."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def set(self) -> None:
        os.write(self._writing, b"x")

    def is_set(self, timeout: float) -> bool:
        return bool(select.select([self._reading], [], [], timeout)[0])

    def wait(self) -> None:
        """Wait in a child for its parent; the child fails if the parent has ended."""
        assert self.is_set(PATIENCE), "the parent failed"

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


@contextmanager
def _signals() -> Iterator[tuple[_Signal, _Signal]]:
    both = _Signal(), _Signal()
    try:
        yield both
    finally:
        for one in both:
            one.close()


def _append(store: ChatStore, name: str, count: int, *, is_async: bool = False) -> None:
    """Append ``count`` messages, and check that the last one is stored."""

    async def appends() -> None:
        for number in range(count):
            await store.async_add_message("k", message(f"{name} {number}"))
        last = contents(await store.async_get_messages("k"))
        assert f"{name} {count - 1}" in last

    if is_async:
        asyncio.run(appends())
        return
    for number in range(count):
        store.add_message("k", message(f"{name} {number}"))
    assert f"{name} {count - 1}" in contents(store.get_messages("k"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
class Forks(Base):
    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    @pytest.mark.parametrize("first", ["parent", "child", "nobody"])
    def test_fork_and_close_in_any_order(
        self,
        harness: ContractHarness,
        sync_opened: Callable[..., ChatStore],
        first: str,
        is_async: bool,
    ) -> None:
        """No acknowledged append is lost, whether the parent or the child closes or ends first."""
        store = sync_opened()
        _append(store, "before", 2, is_async=is_async)
        with _signals() as (child_ready, parent_ready):

            def work() -> None:
                _append(store, "child", 4, is_async=is_async)
                if first == "child":
                    store.close()
                child_ready.set()
                parent_ready.wait()
                if first != "child":
                    _append(store, "late child", 4, is_async=is_async)
                if first == "parent":
                    store.close()

            child = _Child(work)
            _append(store, "parent", 4, is_async=is_async)
            child.wait_for(child_ready)
            if first == "parent":
                store.close()
            parent_ready.set()
            child.join()
        if first != "parent":
            _append(store, "late parent", 4, is_async=is_async)
        names = {"before": 2, "parent": 4}
        names |= {} if first == "parent" else {"late parent": 4}
        if harness.shared_between_processes:
            names |= {"child": 4} | ({} if first == "child" else {"late child": 4})
        elif first == "parent":
            return  # the parent's store in memory is closed
        with harness.open() if harness.shared_between_instances else store as reader:
            _check(reader, names)

    def test_fork_twice(
        self, harness: ContractHarness, sync_opened: Callable[..., ChatStore]
    ) -> None:
        """A child forks a child, and the parent forks another child later."""
        store = sync_opened()
        _append(store, "before", 2)

        def in_child() -> None:
            grandchild = _Child(lambda: _append(store, "grandchild", 4))
            _append(store, "child", 4)
            grandchild.join()
            store.close()

        child = _Child(in_child)
        _append(store, "parent", 4)
        child.join()
        _Child(lambda: _append(store, "second child", 4)).join()
        _append(store, "late parent", 4)
        names = {"before": 2, "parent": 4, "late parent": 4}
        if harness.shared_between_processes:
            names |= {"child": 4, "grandchild": 4, "second child": 4}
        _check(store, names)

    def test_fork_while_threads_write(
        self, harness: ContractHarness, sync_opened: Callable[..., ChatStore]
    ) -> None:
        """The child does not hang on locks and connections that threads use at the fork."""
        store = sync_opened()
        # Import everything: an import lock that a thread holds at a fork stays locked in the child.
        _append(store, "before", 1)
        is_ended = threading.Event()
        counts = [0, 0]

        def writes(number: int) -> None:
            while not is_ended.is_set():
                store.add_message("k", message(f"thread{number} {counts[number]}"))
                counts[number] += 1

        threads = [threading.Thread(target=writes, args=(n,), daemon=True) for n in range(2)]
        for thread in threads:
            thread.start()
        children = []
        try:
            for number in range(4):
                time.sleep(0.02)
                name = f"child{number}"
                children.append(_Child(partial(_append, store, name, 2)))
            for child in children:
                child.join()
        finally:
            is_ended.set()
            for thread in threads:
                thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads), "a thread of the parent hangs"
        names = {"before": 1} | {f"thread{number}": count for number, count in enumerate(counts)}
        if harness.shared_between_processes:
            names |= {f"child{number}": 2 for number in range(4)}
        _check(store, names)


def _check(store: ChatStore, names: dict[str, int]) -> None:
    """Assert that a conversation has ``names[name]`` messages of each writer, in their order."""
    stored = contents(store.get_messages("k"))
    for name, count in names.items():
        mine = [content for content in stored if content.rpartition(" ")[0] == name]
        assert mine == [f"{name} {number}" for number in range(count)]
    assert len(stored) == sum(names.values()) == store.count_messages("k")
