"""What the contract suite needs: a harness that opens stores and looks into the database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from chatstore.core import ChatMessage, ChatStore, MessageRole


class Counts(NamedTuple):
    """What a database has done since its start, by any measure that does not depend on time.

    Attributes:
        requests: Statements, commands or requests.
        work: Bytes, rows or units that these read and wrote.

    """

    requests: int
    work: float


class ContractHarness(ABC):
    """Opens stores on one fresh database.

    The methods that are not abstract are optional: tests that need one that is not overridden are
    skipped, and name it.

    Attributes:
        own_clock: Stores use the ``clock`` of `open`; otherwise the suite waits for some seconds.
        shared_between_processes: Other processes see the same conversations. Then the function
            that `opener` returns must be picklable.
        shared_between_instances: All stores that `open` returns see the same conversations.

    """

    own_clock: bool = False
    shared_between_processes: bool = True
    shared_between_instances: bool = True

    @abstractmethod
    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        """Return another store on the same database; ``ttl`` and ``clock`` in seconds."""

    def opener(self) -> Callable[[], ChatStore]:
        """Return a function that opens a store; another process receives it by pickle."""
        return self.open

    @abstractmethod
    def corrupt(self, key: str, index: int) -> None:
        """Make the record at ``index`` of a conversation unreadable, bypassing the store."""

    def counts(self) -> Counts:
        """Return what the database has done until now; for tests that costs do not grow."""
        raise NotImplementedError

    def stored(self) -> int:
        """Return the number of records, rows or keys in the database, of all conversations.

        For tests that nothing is left behind. Records that a store keeps for a limited time after
        a call, such as the outcomes of recent calls, may be left out.
        """
        raise NotImplementedError

    def reclaim(self, store: ChatStore) -> None:
        """Free the storage of expired conversations; by default by a write to another conversation.

        For a database that expires records by itself, make it do so at once.
        """
        store.add_message("reclaim", ChatMessage(role=MessageRole.USER, content="x"))
        store.delete_messages("reclaim")

    def failing(self) -> AbstractContextManager[None]:
        """Return a context in which every call of a store causes an error of the driver.

        Open stores stay open; after the context they work again.
        """
        raise NotImplementedError

    def unreachable(self) -> ChatStore:
        """Return a store whose database does not exist or answer; its calls fail soon."""
        raise NotImplementedError

    def slow(self) -> AbstractContextManager[float]:
        """Return a context that provides the seconds for which an append waits at least."""
        raise NotImplementedError

    def lose(self, key: str, index: int) -> None:
        """Remove the record at ``index``, as eviction does; the rest of the conversation stays.

        For databases in which single parts of a conversation can be lost.
        """
        raise NotImplementedError
