"""What a backend provides: plans that move records, and clients that run them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

from chatstore.core.errors import ChatStoreError
from chatstore.core.plans import Plan
from chatstore.core.records import Held, KeyPage, Page, Record, StoredRecord

T = TypeVar("T")


class Hooks(ABC):
    """The methods of a backend."""

    @abstractmethod
    def _execute(self, plan: Plan[T]) -> T:
        """Run a plan with the sync client."""

    @abstractmethod
    async def _async_execute(self, plan: Plan[T]) -> T:
        """Run a plan with the async client."""

    @abstractmethod
    def _translate(self, error: Exception) -> ChatStoreError | None:
        """Return a `ChatStoreError` for a driver's error; ``None`` for any other error."""

    @abstractmethod
    def _close(self) -> None:
        """Close what this store opened."""

    @abstractmethod
    async def _async_close(self) -> None:
        """Close what this store opened."""

    @abstractmethod
    def _append(self, key: str, records: Sequence[Record]) -> Plan[list[Held]]:
        """Append all records next to each other and return ``[]``.

        Where the conversation holds the id of any, write nothing and return those it holds.
        """

    @abstractmethod
    def _insert(self, key: str, index: int, record: Record) -> Plan[list[Held]]:
        """Insert before an index as ``list.insert`` does, else like `_append`."""

    @abstractmethod
    def _replace(self, key: str, records: Sequence[Record]) -> Plan[None]:
        """Replace the conversation by records, of which there is at least one."""

    @abstractmethod
    def _delete(self, key: str) -> Plan[None]:
        """Forget the conversation."""

    @abstractmethod
    def _remove(self, key: str, index: int, *, force: bool = False) -> Plan[StoredRecord | None]:
        """Remove one record; negative indexes count from the end.

        A record that `codec.decode` refuses stays, and its error is raised, unless ``force`` is
        true. With its last record a conversation is gone.
        """

    @abstractmethod
    def _count(self, key: str) -> Plan[int]:
        """Return the number of messages."""

    @abstractmethod
    def _read_newest(
        self, key: str, limit: int | None, *, before: int | None = None, leading: int = 0
    ) -> Plan[Page]:
        """Read, at one moment, the newest ``limit`` records of those before a position.

        ``None``: all of them. ``leading`` asks for that many first records of the conversation
        as well, whether they are among the others or not.
        """

    @abstractmethod
    def _read_oldest(self, key: str, limit: int, *, after: int | None = None) -> Plan[Page]:
        """Read the oldest ``limit`` records of those after a position."""

    @abstractmethod
    def _list_keys(self, prefix: str, limit: int, cursor: Any | None) -> Plan[KeyPage]:
        """Read about ``limit`` keys, from the start or from the cursor of the page before."""
