"""Backends in a file with faults that only forks and other processes reveal."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Any

from chatstore.core.backend import Plan, run
from chatstore.core.simple import Conversations
from chatstore.core.testing.broken.base import BrokenStore, T
from chatstore.core.testing.broken.file_backend import FileBackend


class WritesWhenClosed(FileBackend):
    """Writes the file when it is closed; a forked child overwrites its parent's messages."""

    _is_read = False

    def run(self, plan: Plan[Conversations, T]) -> T:
        if self._is_read:
            return run(plan, self.conversations)
        self._is_read = True
        return super().run(plan)

    def close(self) -> None:
        self.path.write_bytes(self.save())


class ReplacesTheFileOfOthers(FileBackend):
    """Replaces the file when it closes; a child with the file open continues in the old one."""

    _file: Any = None

    def run(self, plan: Plan[Conversations, T]) -> T:
        if self._file is None:
            self._file = self.path.open("a+b", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return self.run_in(self._file, plan)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            data = self.path.read_bytes()
            self.path.unlink()
            self.path.write_bytes(data)


class HoldsLocksAtForks(FileBackend):
    """Has a lock that stays locked in a child if a thread of the parent holds it at the fork."""

    def __init__(self, path: Path, **options: Any) -> None:
        """Create a lock that a child inherits as it is."""
        super().__init__(path, **options)
        self._own_lock = threading.Lock()

    def run(self, plan: Plan[Conversations, T]) -> T:
        if not self._own_lock.acquire(timeout=2):
            raise RuntimeError("deadlock")
        try:
            time.sleep(0.001)
            return super().run(plan)
        finally:
            self._own_lock.release()


class FailsInChildren(FileBackend):
    """Works only in the process that constructed it."""

    def __init__(self, path: Path, **options: Any) -> None:
        """Remember the process."""
        super().__init__(path, **options)
        self._process = os.getpid()

    def run(self, plan: Plan[Conversations, T]) -> T:
        if os.getpid() != self._process:
            raise RuntimeError("the connection is the parent's")
        return super().run(plan)


class IgnoresOtherProcesses(FileBackend):
    """Locks out threads, but not other processes."""

    def run(self, plan: Plan[Conversations, T]) -> T:
        with self.lock:
            if self.path.exists():
                self.restore(self.path.read_bytes())
            result = run(plan, self.conversations)
            time.sleep(0.02)
            copy = self.path.with_suffix(f".{os.getpid()}")
            copy.write_bytes(self.save())
            copy.replace(self.path)
            return result


BROKEN = (
    BrokenStore(WritesWhenClosed, ("test_fork_and_close_in_any_order",), "parent sync"),
    BrokenStore(WritesWhenClosed, ("test_fork_twice",), ""),
    BrokenStore(ReplacesTheFileOfOthers, ("test_fork_and_close_in_any_order",), "parent sync"),
    BrokenStore(ReplacesTheFileOfOthers, ("test_fork_and_close_in_any_order",), "child sync"),
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
    BrokenStore(IgnoresOtherProcesses, ("test_fork_while_threads_write",), ""),
    BrokenStore(IgnoresOtherProcesses, ("test_processes_that_start_at_once_lose_nothing",), ""),
)
