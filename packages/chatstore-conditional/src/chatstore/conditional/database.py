"""``Database``: the primitives that a database must provide."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from chatstore.core.backend import Plan

C = TypeVar("C")


class Limits(NamedTuple):
    """The sizes that a database accepts.

    Attributes:
        operations: The most writes in one commit, including the head; at least 24.
        commit_bytes: The most bytes of all bodies of a commit, as `Database.weigh` counts them.
        record_bytes: The most bytes of one body.

    """

    operations: int
    commit_bytes: int
    record_bytes: int


@dataclass(frozen=True, slots=True)
class HeadWrite:
    """A new head, and the records that are written and deleted with it.

    Attributes:
        expected: The version that the stored head must have; ``None``: it must not exist.
        head: The new head.
        puts: Records by id. Those with ``-`` in their id may exist, and are overwritten.
        deletes: Ids of records that exist.
        lifetime: Seconds after which the service may delete the head by itself, if it can, because
            nobody needs it any more; ``None``: it stays.
        owner: The conversation's owner, for databases that have an index of it.
        updated_at: When the conversation was last written, in seconds since 1970.

    """

    expected: str | None
    head: str
    puts: Mapping[str, str] = field(default_factory=dict)
    deletes: Sequence[str] = ()
    lifetime: float | None = None
    owner: str | None = None
    updated_at: float | None = None


class Database(ABC, Generic[C]):
    """A partition for each conversation: one head, and records by id.

    Each method except `weigh` returns a plan that yields steps for a client of type ``C``, sync
    or async. Ids of records have at most 64 characters: letters, digits, ``-``, ``.`` and ``_``.
    A version is never used again, even after a head was deleted and created again.

    Attributes:
        server: The database's name for messages and logs, without secrets.
        limits: The sizes that the database accepts.
        concurrency: The most requests of one call at the same time; 1: one after the other.

    """

    server: str
    limits: Limits
    concurrency: int = 1

    @abstractmethod
    def weigh(self, body: str) -> int:
        """Return an upper bound of the bytes that the service counts for a body."""

    @abstractmethod
    def read_head(self, key: str) -> Plan[C, tuple[str, str] | None]:
        """Return the current head and its version; ``None`` if there is no head."""

    def read_heads(self, keys: Sequence[str]) -> Plan[C, dict[str, tuple[str, str]]]:
        """Return the current heads that exist and their versions, by key; at any moments.

        Override it where the service reads several partitions at once.
        """
        heads: dict[str, tuple[str, str]] = {}
        for key in dict.fromkeys(keys):
            stored = yield from self.read_head(key)
            if stored is not None:
                heads[key] = stored
        return heads

    @abstractmethod
    def read_records(self, key: str, ids: Sequence[str]) -> Plan[C, dict[str, str]]:
        """Return the current bodies of those records that exist, by id."""

    @abstractmethod
    def commit(self, key: str, write: HeadWrite) -> Plan[C, str | None]:
        """Write all or nothing, if the head has the expected version.

        Args:
            key: The conversation.
            write: What to write, and the expected version.

        Returns:
            The head's new version; ``None`` if the condition did not hold and this call certainly
            wrote nothing.

        Raises:
            Exception: The driver's error. The backend translates it to `StoreUnavailableError` if
                the commit may have taken effect. This includes a refusal of a request that the
                driver sent more than once.

        """

    @abstractmethod
    def delete_head(self, key: str, expected: str) -> Plan[C, None]:
        """Delete the head, if it has the expected version."""

    @abstractmethod
    def stage(self, key: str, puts: Mapping[str, str]) -> Plan[C, None]:
        """Write any number of records, in any order and not atomically."""

    @abstractmethod
    def discard(self, key: str, ids: Sequence[str]) -> Plan[C, None]:
        """Delete any number of records, as far as they exist."""

    @abstractmethod
    def list_heads(
        self, prefix: str, limit: int, cursor: Any | None
    ) -> Plan[C, tuple[list[tuple[str, str]], Any | None]]:
        """Return about ``limit`` keys with their heads, and the cursor of the next page.

        A page may be empty. The cursor is ``None`` for the first page and after the last one.
        """

    @abstractmethod
    def owner_lists(self) -> Database[C] | None:
        """Return the database of the lists of owners' conversations.

        It has the same service and clients, and a key space of its own: no key in it can be a
        conversation's. ``None``: the service has an index of owners, and `list_owned` uses it.
        """

    def list_owned(
        self, owner: str, limit: int, cursor: Any | None
    ) -> Plan[C, tuple[list[tuple[str, tuple[str, str]]], Any | None]]:
        """Return about ``limit`` of an owner's keys with heads and versions, and a cursor.

        The newest ``updated_at`` comes first.

        Needed only if `owner_lists` returns ``None``.
        """
        raise NotImplementedError

    @abstractmethod
    def sleep(self, seconds: float) -> Plan[C, None]:
        """Wait."""
