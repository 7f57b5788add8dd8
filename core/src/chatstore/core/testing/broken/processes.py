"""A correct backend in a file, and broken ones: faults that forks and other processes reveal."""

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

from chatstore.core import ChatStore
from chatstore.core.backend import ForkLock, Plan, run
from chatstore.core.simple import Conversation, Conversations, MemoryBackend
from chatstore.core.testing.broken.base import BrokenStore, T
from chatstore.core.testing.harness import ContractHarness

_RANDOM_EPOCHS = 2**40  # epochs above it are random; smaller ones were counted by a process


class ConversationsInFile(Conversations):
    """Conversations with epochs that differ between processes."""

    def save(self, key: str, conversation: Conversation) -> None:
        if conversation.epoch < _RANDOM_EPOCHS:
            conversation.epoch += int.from_bytes(os.urandom(6), "big") + _RANDOM_EPOCHS
        super().save(key, conversation)


class FileBackend(MemoryBackend):
    """Reads and writes a whole file in each call: slow, but it keeps every promise."""

    def __init__(
        self, path: str, *, ttl: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Name the file; the first call creates it."""
        super().__init__(ttl=ttl, clock=clock)
        self.conversations = ConversationsInFile(ttl, clock)
        self.lock = ForkLock()
        self.path = path

    def run(self, plan: Plan[Conversations, T]) -> T:
        """Lock the file, read it, run the plan, and write the file."""
        with self.lock, open(self.path, "a+b") as file:  # noqa: PTH123
            fcntl.flock(file, fcntl.LOCK_EX)
            return self.run_in(file, plan)

    def run_in(self, file: Any, plan: Plan[Conversations, T]) -> T:
        """Run a plan on the content of an open file."""
        file.seek(0)
        self.restore(file.read())
        result = run(plan, self.conversations)
        file.truncate(0)
        file.write(self.save())
        return result

    def save(self) -> bytes:
        """Return the conversations as bytes."""
        return pickle.dumps(self.conversations.by_key)

    def restore(self, data: bytes) -> None:
        """Take the conversations that `save` returned."""
        if data:
            self.conversations.by_key = pickle.loads(data)

    def __reduce__(self) -> Any:
        """Pickle the path."""
        return type(self), (self.path,)


class FileHarness(ContractHarness):
    """Opens stores over one class of backend on one file."""

    own_clock = True

    def __init__(self, kind: type[FileBackend]) -> None:
        """Create a temporary directory."""
        self.kind = kind
        self.path = os.path.join(tempfile.mkdtemp(), "store")  # noqa: PTH118

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        """Return another store on the file."""
        return ChatStore(self.kind(self.path, ttl=ttl, clock=clock or time.time))

    def corrupt(self, key: str, index: int) -> None:
        """Cut the record's text."""
        path = Path(self.path)
        conversations = pickle.loads(path.read_bytes())
        records = conversations[key].records
        records[index] = records[index]._replace(body='{"v":1,')
        path.write_bytes(pickle.dumps(conversations))


class WritesWhenClosed(FileBackend):
    """Writes the file when it is closed; a forked child overwrites its parent's messages."""

    _is_read = False

    def run(self, plan: Plan[Conversations, T]) -> T:
        if self._is_read:
            return run(plan, self.conversations)
        self._is_read = True
        return super().run(plan)

    def close(self) -> None:
        Path(self.path).write_bytes(self.save())


class ReplacesTheFileOfOthers(FileBackend):
    """Replaces the file when it closes; a child with the file open continues in the old one."""

    _file: Any = None

    def run(self, plan: Plan[Conversations, T]) -> T:
        if self._file is None:
            self._file = open(self.path, "a+b", buffering=0)  # noqa: PTH123, SIM115
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return self.run_in(self._file, plan)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            path = Path(self.path)
            data = path.read_bytes()
            path.unlink()
            path.write_bytes(data)


class HoldsLocksAtForks(FileBackend):
    """Lets a child inherit a lock that a thread of the parent holds."""

    def __init__(self, path: str, **options: Any) -> None:
        """Create a lock that ignores forks."""
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

    def __init__(self, path: str, **options: Any) -> None:
        """Remember the process."""
        super().__init__(path, **options)
        self._process = os.getpid()

    def run(self, plan: Plan[Conversations, T]) -> T:
        if os.getpid() != self._process:
            raise RuntimeError("the connection is the parent's")
        return super().run(plan)


class IgnoresOtherProcesses(FileBackend):
    """Writes without a lock that other processes respect."""

    def run(self, plan: Plan[Conversations, T]) -> T:
        with self.lock:
            path = Path(self.path)
            if path.exists():
                self.restore(path.read_bytes())
            result = run(plan, self.conversations)
            time.sleep(0.005)
            copy = path.with_suffix(f".{os.getpid()}")
            copy.write_bytes(self.save())
            copy.replace(path)
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
