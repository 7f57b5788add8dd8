"""A correct backend that keeps conversations in a file, which processes share."""

from __future__ import annotations

import fcntl
import os
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatstore.core import ChatStore
from chatstore.core.backend import ForkLock, Plan, run
from chatstore.core.simple import Conversation, Conversations, MemoryBackend
from chatstore.core.testing.broken.base import T
from chatstore.core.testing.harness import ContractHarness

_RANDOM_EPOCHS = 2**40  # epochs from here on are random; smaller ones count up in one process


class ConversationsInFile(Conversations):
    """Conversations with epochs that differ between processes."""

    def save(self, key: str, conversation: Conversation) -> None:
        if conversation.epoch < _RANDOM_EPOCHS:
            conversation.epoch += int.from_bytes(os.urandom(6), "big") + _RANDOM_EPOCHS
        super().save(key, conversation)


class FileBackend(MemoryBackend):
    """Reads and writes a whole file in each call: slow, but it keeps every promise."""

    def __init__(
        self, path: Path, *, ttl: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Set the path; the first call creates the file."""
        super().__init__(ttl=ttl, clock=clock)
        self.conversations = ConversationsInFile(ttl, clock)
        self.lock = ForkLock()
        self.path = path

    def run(self, plan: Plan[Conversations, T]) -> T:
        """Lock the file, read it, run the plan, and write the file."""
        with self.lock, self.path.open("a+b") as file:
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
        """Load the conversations that `save` returned."""
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
        self.path = Path(tempfile.mkdtemp()) / "store"

    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        """Return another store on the file."""
        return ChatStore(self.kind(self.path, ttl=ttl, clock=clock or time.time))

    def corrupt(self, key: str, index: int) -> None:
        """Cut the record's text."""
        conversations = pickle.loads(self.path.read_bytes())
        records = conversations[key].records
        records[index] = records[index]._replace(body='{"v":1,')
        self.path.write_bytes(pickle.dumps(conversations))
