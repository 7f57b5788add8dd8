"""``WrapperBackend``: the base class of layers over any backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from chatstore.core.backend.base import Backend
from chatstore.core.backend.conversations import OwnedPage, StoredConversation
from chatstore.core.backend.plans import Plan
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
from chatstore.core.errors import ChatStoreError

C = TypeVar("C")
T = TypeVar("T")


class WrapperBackend(Backend[C]):
    """Passes every call on to another backend; a subclass overrides what it changes.

    `read_all` is not passed on: it uses `read_newest`, so that a subclass that changes records
    needs to override only one of them.

    Attributes:
        inner: The other backend.

    """

    def __init__(self, inner: Backend[C]) -> None:
        """Wrap a backend, such as the ``backend`` of any store."""
        self.inner = inner
        self.max_message_bytes = inner.max_message_bytes
        self.max_combined_records = inner.max_combined_records
        self.system = inner.system
        self.observer = inner.observer

    @property
    def server(self) -> str:
        """The inner backend's server."""
        return self.inner.server

    def run(self, plan: Plan[C, T]) -> T:
        """See `Backend.run`."""
        return self.inner.run(plan)

    async def async_run(self, plan: Plan[C, T]) -> T:
        """See `Backend.async_run`."""
        return await self.inner.async_run(plan)

    def translate(self, error: Exception) -> ChatStoreError | None:
        """See `Backend.translate`."""
        return self.inner.translate(error)

    def close(self) -> None:
        """See `Backend.close`."""
        self.inner.close()

    async def async_close(self) -> None:
        """See `Backend.async_close`."""
        await self.inner.async_close()

    def append(self, key: str, write: Append) -> Plan[C, list[Existing]]:
        """See `Backend.append`."""
        return self.inner.append(key, write)

    def insert(self, key: str, write: Insert) -> Plan[C, list[Existing]]:
        """See `Backend.insert`."""
        return self.inner.insert(key, write)

    def put(self, key: str, write: Put) -> Plan[C, None]:
        """See `Backend.put`."""
        return self.inner.put(key, write)

    def replace(self, key: str, write: Replace) -> Plan[C, None]:
        """See `Backend.replace`."""
        return self.inner.replace(key, write)

    def remove(self, key: str, write: Remove) -> Plan[C, StoredRecord | None]:
        """See `Backend.remove`."""
        return self.inner.remove(key, write)

    def truncate(self, key: str, write: Truncate) -> Plan[C, int]:
        """See `Backend.truncate`."""
        return self.inner.truncate(key, write)

    def create(self, key: str, write: Create) -> Plan[C, StoredConversation | None]:
        """See `Backend.create`."""
        return self.inner.create(key, write)

    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """See `Backend.update`."""
        return self.inner.update(key, write)

    def delete(self, key: str, write: Delete) -> Plan[C, None]:
        """See `Backend.delete`."""
        return self.inner.delete(key, write)

    def count(self, key: str) -> Plan[C, int]:
        """See `Backend.count`."""
        return self.inner.count(key)

    def read_newest(self, key: str, read: Newest) -> Plan[C, Page]:
        """See `Backend.read_newest`."""
        return self.inner.read_newest(key, read)

    def read_oldest(self, key: str, read: Oldest) -> Plan[C, Page]:
        """See `Backend.read_oldest`."""
        return self.inner.read_oldest(key, read)

    def find(self, key: str, message_id: str) -> Plan[C, Page]:
        """See `Backend.find`."""
        return self.inner.find(key, message_id)

    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[C, Sequence[StoredConversation | None]]:
        """See `Backend.read_conversations`."""
        return self.inner.read_conversations(keys)

    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[C, OwnedPage]:
        """See `Backend.list_owned`."""
        return self.inner.list_owned(owner, limit, cursor)

    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[C, KeyPage]:
        """See `Backend.list_keys`."""
        return self.inner.list_keys(prefix, limit, cursor)

    def setup(self) -> Plan[C, None]:
        """See `Backend.setup`."""
        return self.inner.setup()

    def check(self, key: str) -> Plan[C, None]:
        """See `Backend.check`."""
        return self.inner.check(key)

    def purge_expired(self) -> Plan[C, bool]:
        """See `Backend.purge_expired`."""
        return self.inner.purge_expired()
