"""A sound store in a file, and broken ones: what forks and other processes bring to light."""

from __future__ import annotations

import fcntl
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatstore.core import SimpleChatStore
from chatstore.core.backend import Plan, run
from chatstore.core.testing.broken.base import BrokenStore, T
from chatstore.core.testing.harness import ContractHarness


class FileStore(SimpleChatStore):
    """Reads and writes a whole file in each call: slow, and it keeps every promise."""

    def __init__(
        self, path: str, *, ttl: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Name the file, which the first call makes."""
        super().__init__(ttl=ttl, clock=clock)
        self.path = path

    def _execute(self, plan: Plan[T]) -> T:
        with self._lock, open(self.path, "a+b") as file:  # noqa: PTH123
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            data = file.read()
            if data:
                self._conversations = pickle.loads(data)
            result = run(plan, self._conversations)
            file.truncate(0)
            file.write(pickle.dumps(self._conversations))
            return result

    def _written(self, key: str, conversation: Any) -> Plan[None]:
        if conversation.epoch < 2**40:  # counted by this process; others count the same
            conversation.epoch += int.from_bytes(os.urandom(6), "big") + 2**40
        yield from super()._written(key, conversation)

    def __reduce__(self) -> Any:
        """Pickle the path."""
        return type(self), (self.path,)


class FileHarness(ContractHarness):
    """Opens stores of one class on one file."""

    own_clock = True

    def __init__(self, kind: Callable[..., FileStore]) -> None:
        """Make a folder, which the system removes some day."""
        self.kind = kind
        self.path = os.path.join(tempfile.mkdtemp(), "store")  # noqa: PTH118

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> FileStore:
        """Return another store on the file."""
        return self.kind(self.path, ttl=ttl, clock=clock or time.time)

    def corrupt(self, key: str, index: int) -> None:
        """Cut the record's text."""
        with open(self.path, "r+b") as file:  # noqa: PTH123
            conversations = pickle.loads(file.read())
            records = conversations[key].records
            records[index] = records[index]._replace(body='{"v":1,')
            file.seek(0)
            file.truncate()
            file.write(pickle.dumps(conversations))


class WritesWhenClosed(FileStore):
    """Keeps what it wrote until it is closed; a forked child overwrites its parent's."""

    _is_read = False

    def _execute(self, plan: Plan[T]) -> T:
        if self._is_read:
            return run(plan, self._conversations)
        self._is_read = True
        return super()._execute(plan)

    def _close(self) -> None:
        with open(self.path, "wb") as file:  # noqa: PTH123
            file.write(pickle.dumps(self._conversations))


class RemovesTheFileOfOthers(FileStore):
    """Replaces the file when it closes; a child that has it open goes on in the old one."""

    _file: Any = None

    def _execute(self, plan: Plan[T]) -> T:
        if self._file is None:
            self._file = open(self.path, "a+b", buffering=0)  # noqa: PTH123, SIM115
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._file.seek(0)
            data = self._file.read()
            if data:
                self._conversations = pickle.loads(data)
            result = run(plan, self._conversations)
            self._file.truncate(0)
            self._file.write(pickle.dumps(self._conversations))
            return result
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            path = Path(self.path)
            data = path.read_bytes()
            path.unlink()
            path.write_bytes(data)


class HoldsLocksAtForks(FileStore):
    """Lets a child inherit a lock that a thread of the parent holds."""

    def __init__(self, path: str, **options: Any) -> None:
        """Make a lock that knows nothing of forks."""
        super().__init__(path, **options)
        self._own_lock = threading.Lock()

    def _execute(self, plan: Plan[T]) -> T:
        if not self._own_lock.acquire(timeout=2):
            raise RuntimeError("deadlock")
        try:
            time.sleep(0.001)
            return super()._execute(plan)
        finally:
            self._own_lock.release()


class FailsInChildren(FileStore):
    """Works only in the process that made it."""

    def __init__(self, path: str, **options: Any) -> None:
        """Remember the process."""
        super().__init__(path, **options)
        self._process = os.getpid()

    def _execute(self, plan: Plan[T]) -> T:
        if os.getpid() != self._process:
            raise RuntimeError("the connection is the parent's")
        return super()._execute(plan)


class ForgetsOtherProcesses(FileStore):
    """Writes without a lock that other processes respect."""

    def _execute(self, plan: Plan[T]) -> T:
        with self._lock:
            path = Path(self.path)
            if path.exists():
                self._conversations = pickle.loads(path.read_bytes())
            result = run(plan, self._conversations)
            time.sleep(0.005)
            copy = path.with_suffix(f".{os.getpid()}")
            copy.write_bytes(pickle.dumps(self._conversations))
            copy.replace(path)
            return result


BROKEN = (
    BrokenStore(WritesWhenClosed, ("test_fork_and_close_in_any_order",), "parent sync"),
    BrokenStore(WritesWhenClosed, ("test_fork_twice",), ""),
    BrokenStore(RemovesTheFileOfOthers, ("test_fork_and_close_in_any_order",), "parent sync"),
    BrokenStore(RemovesTheFileOfOthers, ("test_fork_and_close_in_any_order",), "child sync"),
    BrokenStore(HoldsLocksAtForks, ("test_fork_while_threads_write",), "", "forked child failed"),
    BrokenStore(
        FailsInChildren,
        ("test_fork_and_close_in_any_order",),
        "nobody sync",
        "forked child failed",
    ),
    BrokenStore(
        FailsInChildren, ("test_fork_and_close_in_any_order",), "child sync", "forked child failed"
    ),
    BrokenStore(ForgetsOtherProcesses, ("test_fork_while_threads_write",), ""),
    BrokenStore(ForgetsOtherProcesses, ("test_processes_that_start_at_once_lose_nothing",), ""),
)
