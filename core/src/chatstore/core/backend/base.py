"""``Backend``: what the author of a store for another database writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from chatstore.core.backend.conversations import OwnedPage, StoredConversation
from chatstore.core.backend.observing import Observer
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
from chatstore.core.copying import Copyable
from chatstore.core.errors import ChatStoreError

C = TypeVar("C")
T = TypeVar("T")
M = TypeVar("M")


class Backend(Copyable, ABC, Generic[C]):
    """The part of a store that talks to one database; `ChatStore` has one.

    Only what the database must do atomically is a method here. Each of these methods returns a
    plan: a generator that yields steps for a client of type ``C``. All arguments have been
    checked. Constructors do no I/O.

    Attributes:
        max_message_bytes: The most bytes of UTF-8 that a record's body may have; ``None``: no
            limit.
        max_combined_records: The most records of several calls that one append may write, where
            that takes less time than one append after the other; 1: calls are not combined.
        system: The kind of the database, as OpenTelemetry's conventions name it.
        observer: Observes the calls of stores; ``None``: nobody does.

    """

    max_message_bytes: int | None = None
    max_combined_records: int = 1
    system: str = "other"
    observer: Observer | None = None

    @property
    def server(self) -> str:
        """Where conversations are kept, without secrets: for messages and logs."""
        return type(self).__name__

    # ------------------------------------------------------------------ running plans

    @abstractmethod
    def run(self, plan: Plan[C, T]) -> T:
        """Run a plan with the sync client."""

    @abstractmethod
    async def async_run(self, plan: Plan[C, T]) -> T:
        """Run a plan with the async client."""

    @abstractmethod
    def translate(self, error: Exception) -> ChatStoreError | None:
        """Return the `ChatStoreError` for a driver's error; ``None`` for any other error.

        Its message names the server, the cause and the remedy, without content or secrets.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the connections and threads that this backend opened; called once."""

    @abstractmethod
    async def async_close(self) -> None:
        """Like `close`, on an event loop."""

    # ------------------------------------------------------------------ writing messages

    @abstractmethod
    def append(self, key: str, write: Append) -> Plan[C, list[Existing]]:
        """Append all records and return ``[]``.

        If the conversation has the id of any of them, write nothing and return those it has.
        """

    @abstractmethod
    def insert(self, key: str, write: Insert) -> Plan[C, list[Existing]]:
        """Insert a record before an index; existing ids are treated as in `append`."""

    @abstractmethod
    def put(self, key: str, write: Put) -> Plan[C, None]:
        """Replace the record with the same id, or append the new one."""

    @abstractmethod
    def replace(self, key: str, write: Replace) -> Plan[C, None]:
        """Replace all records of the conversation, or begin it."""

    @abstractmethod
    def remove(self, key: str, write: Remove) -> Plan[C, StoredRecord | None]:
        """Remove a record and return it; ``None`` if there is no such record.

        With its last record, a conversation goes whose record does not outlast its messages.
        """

    @abstractmethod
    def truncate(self, key: str, write: Truncate) -> Plan[C, int]:
        """Remove the record with an id and all behind it, as `remove` does; return their number.

        0: the conversation does not have the id.
        """

    # ------------------------------------------------------------------ writing conversations

    @abstractmethod
    def create(self, key: str, write: Create) -> Plan[C, StoredConversation | None]:
        """Begin a conversation and return it; ``None`` if there is one."""

    @abstractmethod
    def update(self, key: str, write: Update) -> Plan[C, StoredConversation | None]:
        """Change the conversation record and return the conversation.

        Return ``None`` if the conversation does not exist, or does not have the record ``before``.
        """

    @abstractmethod
    def delete(self, key: str, write: Delete) -> Plan[C, None]:
        """Delete the conversation, if it exists."""

    # ------------------------------------------------------------------ reading messages

    @abstractmethod
    def count(self, key: str) -> Plan[C, int]:
        """Return the number of records, 0 for a missing conversation."""

    @abstractmethod
    def read_newest(self, key: str, read: Newest) -> Plan[C, Page]:
        """Read, at one moment, the newest records."""

    @abstractmethod
    def read_oldest(self, key: str, read: Oldest) -> Plan[C, Page]:
        """Read, at one moment, the oldest records."""

    @abstractmethod
    def find(self, key: str, message_id: str) -> Plan[C, Page]:
        """Read the record with an id: a page of one record, or of none."""

    # ------------------------------------------------------------------ reading conversations

    @abstractmethod
    def read_conversations(
        self, keys: Sequence[str]
    ) -> Plan[C, Sequence[StoredConversation | None]]:
        """Read conversations without their messages, in the order of ``keys``.

        Those that do not exist are ``None``. They need not be read at one moment.
        """

    @abstractmethod
    def list_owned(self, owner: str, limit: int, cursor: Any | None) -> Plan[C, OwnedPage]:
        """Read about ``limit`` conversations of an owner, the newest ``updated_at`` first.

        Args:
            owner: The owner.
            limit: About how many conversations to read.
            cursor: ``None`` at first, then the cursor of the page before.

        """

    @abstractmethod
    def list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[C, KeyPage]:
        """Read about ``limit`` keys that begin with ``prefix``.

        Args:
            prefix: The beginning of the keys, which may be empty.
            limit: About how many keys to read.
            cursor: ``None`` at first, then the cursor of the page before, a JSON value.

        """

    # ------------------------------------------------------------------ optional

    def read_all(
        self, key: str, decode: Callable[[Sequence[StoredRecord]], list[M]]
    ) -> Plan[C, list[M]]:
        """Read the whole conversation at one moment, and decode it.

        Override it where this takes several requests, to decode the records of one while the
        next is on its way.
        """
        page = yield from self.read_newest(key, Newest())
        return decode(page.records)

    def setup(self) -> Plan[C, None]:
        """Create what is missing in the database, or check what is there; by default nothing."""
        yield from ()

    def check(self, key: str) -> Plan[C, None]:
        """Prove that conversations can be read and written, and leave nothing behind.

        By default a conversation is read and deleted that does not exist. Override it if the
        database allows this to a user who may not write.

        Args:
            key: A key that no conversation has.

        """
        yield from self.read_conversations([key])
        yield from self.delete(key, Delete())

    def purge_expired(self) -> Plan[C, bool]:
        """Free the storage of some expired conversations; return whether there may be more.

        By default the database does it by itself.
        """
        yield from ()
        return False
