"""``MemoryBackend``: conversations in memory, optionally saved in a JSON file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from chatstore.core.backend.base import Backend
from chatstore.core.backend.conversations import OwnedPage, StoredConversation
from chatstore.core.backend.forks import ForkLock
from chatstore.core.backend.options import check_ttl
from chatstore.core.backend.plans import Plan, call, run
from chatstore.core.backend.reads import Newest, Oldest
from chatstore.core.backend.records import Existing, KeyPage, Page, StoredRecord
from chatstore.core.backend.writes import (
    Append,
    Create,
    Delete,
    Insert,
    Put,
    Remove,
    Replace,
    Truncate,
    Update,
)
from chatstore.core.errors import ChatStoreError, InvalidArgumentError
from chatstore.core.simple import json_file, json_format
from chatstore.core.simple.conversations import Conversations

T = TypeVar("T")


class MemoryBackend(Backend[Conversations]):
    """Keeps conversations in memory; a lock around each plan makes it atomic.

    Attributes:
        conversations: The database, which is the client of plans.
        file: The JSON file that the conversations were read from or written to.
        saves_on_close: Closing writes the file.

    """

    system = "memory"

    def __init__(self, *, ttl: float | None = None, clock: Callable[[], float] = time.time) -> None:
        """Start empty; see `SimpleChatStore` for the arguments."""
        self.conversations = Conversations(check_ttl(ttl), clock)
        self.file: json_file.BoundFile | None = None
        self.saves_on_close = False
        self._lock = ForkLock()

    # ------------------------------------------------------------------ running plans

    def run(self, plan: Plan[Conversations, T]) -> T:
        """Run a plan; no other plan runs meanwhile."""
        with self._lock:
            return run(plan, self.conversations)

    async def async_run(self, plan: Plan[Conversations, T]) -> T:
        """Run a plan; it never waits for anything but the lock."""
        return self.run(plan)

    def translate(self, error: Exception) -> ChatStoreError | None:  # noqa: ARG002 - no driver
        """Return ``None``: there is no driver."""
        return None

    def close(self) -> None:
        """Write the file if `saves_on_close` is true."""
        if self.saves_on_close:
            self.persist()

    async def async_close(self) -> None:
        """Like `close`."""
        self.close()

    # ------------------------------------------------------------------ operations

    def append(self, key: str, write: Append) -> Plan[Conversations, list[Existing]]:
        """See `Backend.append`."""
        return call(lambda conversations: conversations.append(key, write))

    def insert(self, key: str, write: Insert) -> Plan[Conversations, list[Existing]]:
        """See `Backend.insert`."""
        return call(lambda conversations: conversations.insert(key, write))

    def put(self, key: str, write: Put) -> Plan[Conversations, None]:
        """See `Backend.put`."""
        return call(lambda conversations: conversations.put(key, write))

    def replace(self, key: str, write: Replace) -> Plan[Conversations, None]:
        """See `Backend.replace`."""
        return call(lambda conversations: conversations.replace(key, write))

    def remove(self, key: str, write: Remove) -> Plan[Conversations, StoredRecord | None]:
        """See `Backend.remove`."""
        return call(lambda conversations: conversations.remove(key, write))

    def truncate(self, key: str, write: Truncate) -> Plan[Conversations, int]:
        """See `Backend.truncate`."""
        return call(lambda conversations: conversations.truncate(key, write))

    def create(self, key: str, write: Create) -> Plan[Conversations, StoredConversation | None]:
        """See `Backend.create`."""
        return call(lambda conversations: conversations.create(key, write))

    def update(self, key: str, write: Update) -> Plan[Conversations, StoredConversation | None]:
        """See `Backend.update`."""
        return call(lambda conversations: conversations.update(key, write))

    def delete(self, key: str, write: Delete) -> Plan[Conversations, None]:
        """See `Backend.delete`."""
        return call(lambda conversations: conversations.delete(key, write))

    def count(self, key: str) -> Plan[Conversations, int]:
        """See `Backend.count`."""
        return call(lambda conversations: conversations.count(key))

    def read_newest(self, key: str, read: Newest) -> Plan[Conversations, Page]:
        """See `Backend.read_newest`."""
        return call(lambda conversations: conversations.read_newest(key, read))

    def read_oldest(self, key: str, read: Oldest) -> Plan[Conversations, Page]:
        """See `Backend.read_oldest`."""
        return call(lambda conversations: conversations.read_oldest(key, read))

    def find(self, key: str, message_id: str) -> Plan[Conversations, Page]:
        """See `Backend.find`."""
        return call(lambda conversations: conversations.find_record(key, message_id))

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[Conversations, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`."""
        return call(lambda conversations: conversations.read_conversations(keys))

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, OwnedPage]:
        """See `Backend.list_owned`."""
        return call(lambda conversations: conversations.list_owned(owner, limit, cursor))

    def list_keys(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[Conversations, KeyPage]:
        """See `Backend.list_keys`."""
        return call(lambda conversations: conversations.list_keys(prefix, limit, cursor))

    def check(self, key: str) -> Plan[Conversations, None]:
        """See `Backend.check`; with a file, prove that it can be written."""
        yield from super().check(key)
        if self.file is not None:
            json_file.check_writable(self.file)

    def purge_expired(self) -> Plan[Conversations, bool]:
        """Delete all expired conversations at once."""
        yield from call(Conversations.purge_expired)
        return False

    # ------------------------------------------------------------------ JSON

    def dump(self) -> str:
        """Return all conversations as JSON text."""
        with self._lock:
            return json_format.dump(self.conversations.alive())

    def load(self, text: str) -> None:
        """Add the conversations that `dump` returned, or LlamaIndex's ``SimpleChatStore`` wrote.

        Raises:
            CorruptStoreError: The text is damaged, or was not written by either.
            SchemaVersionError: A later version wrote it.

        """
        loaded = json_format.load(text)
        for key in sorted(loaded, key=lambda key: loaded[key].expires_at or 0.0):
            self.conversations.by_key[key] = loaded[key]

    def read_file(self, path: str | PathLike[str]) -> None:
        """Read a JSON file, if it exists, and remember it for `persist`."""
        self.file, text = json_file.read(json_file.check_path(path))
        if text is not None:
            self.load(text)

    def persist(self, path: str | PathLike[str] | None = None) -> None:
        """Write the JSON file; see `SimpleChatStore.persist`."""
        with self._lock:
            if path is not None:
                self._bind(json_file.check_path(path))
            if self.file is None:
                raise InvalidArgumentError(
                    "persist() needs a path: this store was not read from a file"
                )
            self.file = json_file.write(self.file, self.dump())

    def _bind(self, path: Path) -> None:
        if self.file is None or self.file.path != path:
            self.file = json_file.BoundFile(path, signature=None, is_read=False)

    # ------------------------------------------------------------------ copies

    def state(self) -> tuple[str, json_file.BoundFile | None, bool]:
        """Return the conversations, the file, and whether closing saves it."""
        return self.dump(), self.file, self.saves_on_close

    def restore_state(self, state: tuple[str, json_file.BoundFile | None, bool]) -> None:
        """Take over what `state` of another backend returned."""
        text, self.file, self.saves_on_close = state
        self.load(text)

    def __reduce__(self) -> Any:
        """Pickle the conversations, too: they exist nowhere else."""
        construct, arguments = super().__reduce__()
        return _restored, (construct, arguments, self.state())


def _restored(
    construct: Callable[..., MemoryBackend],
    arguments: tuple[Any, ...],
    state: tuple[str, json_file.BoundFile | None, bool],
) -> MemoryBackend:
    backend = construct(*arguments)
    backend.restore_state(state)
    return backend
