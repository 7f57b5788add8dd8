"""What the contract suite needs to know about a harness."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from chatstore.core import ChatMessage, ChatStore, MessageRole


class Counts(NamedTuple):
    """What a database has done since it was made, by any measure that does not depend on time.

    Attributes:
        requests: Statements, commands or requests.
        work: Bytes, rows or units that these read and wrote.

    """

    requests: int
    work: float


class ContractHarness(ABC):
    """Opens stores on one fresh database.

    Where ``shared_between_processes``, `opener` must return something that can be pickled.

    The methods that are not abstract are optional: the tests that need one are skipped, and say
    so, where it is not overridden.

    Attributes:
        own_clock: `open` obeys ``clock``; otherwise the suite waits for a real second or two.
        shared_between_processes: Other processes see the same conversations.
        shared_between_instances: Other stores that `open` returned see them.

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
        """Return what another process calls to open a store: pickled there, so importable."""
        return self.open

    @abstractmethod
    def corrupt(self, key: str, index: int) -> None:
        """Make the record at ``index`` of a conversation unreadable, bypassing the store."""

    def counts(self) -> Counts:
        """Return what the database has done until now; for the tests that costs are flat."""
        raise NotImplementedError

    def stored(self) -> int:
        """Return how many records, rows or keys the database holds, of all conversations.

        For the tests that nothing is left behind. What a store keeps for a limited time after a
        call, such as what recent calls did, may be left out.
        """
        raise NotImplementedError

    def reclaim(self, store: ChatStore) -> None:
        """Do what frees the storage of expired conversations; by default a write to another one.

        Databases that expire records by themselves do it here at once.
        """
        store.add_message("reclaim", ChatMessage(role=MessageRole.USER, content="x"))
        store.delete_messages("reclaim")

    def failing(self) -> AbstractContextManager[None]:
        """Return a context in which every call of a store ends in an error of the driver.

        Stores that are open stay open; after the context they work again.
        """
        raise NotImplementedError

    def unreachable(self) -> ChatStore:
        """Return a store of a database that does not exist or answer; its calls fail soon."""
        raise NotImplementedError

    def slow(self) -> AbstractContextManager[float]:
        """Return a context in which an append waits for the given seconds at least."""
        raise NotImplementedError

    def lose(self, key: str, index: int) -> None:
        """Remove the record at ``index``, as eviction does; the rest of the conversation stays.

        For databases in which a conversation has parts that can be lost one by one.
        """
        raise NotImplementedError
