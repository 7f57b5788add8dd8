"""The harness that connects the contract suite to a store and its database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from chatstore.core import ChatStore
from chatstore.core.testing.messages import message


class Counts(NamedTuple):
    """How much a database has done since it started.

    Use measures that do not depend on time.

    Attributes:
        requests: Statements, commands or requests.
        work: The bytes, rows or units that the requests read and wrote.

    """

    requests: int
    work: float


class ContractHarness(ABC):
    """Opens stores on one fresh database.

    The methods that are not abstract are optional. A test that needs one is skipped if the harness
    does not override it; the reason names the method.

    Attributes:
        own_clock: Whether stores use the ``clock`` of `open`.
        shared_between_processes: Whether other processes see the same conversations. Then the
            function that `opener` returns must be picklable.
        shared_between_instances: Whether all stores that `open` returns see the same
            conversations.
        orders_lists_exactly: Whether an owner's list is in the exact order of the last writes. With
            `OwnerIndex` the order may lag.
        max_name_bytes: The longest keys and owners in UTF-8; shorter only over a layer that
            lengthens them.

    """

    own_clock: bool = False
    shared_between_processes: bool = True
    shared_between_instances: bool = True
    orders_lists_exactly: bool = True
    max_name_bytes: int = 255

    @abstractmethod
    def open(
        self, *, ttl: float | None = None, clock: Callable[[], float] | None = None
    ) -> ChatStore:
        """Return another store on the same database; ``ttl`` and ``clock`` are in seconds."""

    def provides(self, name: str) -> bool:
        """Return whether the harness overrides an optional method."""
        return getattr(type(self), name) is not getattr(ContractHarness, name)

    def name(self, text: str) -> str:
        """Return the beginning of a text that may be a key or an owner."""
        return text.encode()[: self.max_name_bytes].decode(errors="ignore")

    def opener(self) -> Callable[[], ChatStore]:
        """Return a function that opens a store; another process receives it by pickle."""
        return self.open

    @abstractmethod
    def corrupt(self, key: str, index: int) -> None:
        """Make the record at ``index`` of a conversation unreadable, bypassing the store."""

    def counts(self) -> Counts:
        """Return how much the database has done until now; tests of costs need it."""
        raise NotImplementedError

    def stored(self) -> int:
        """Return the number of records, rows or keys of all conversations in the database.

        Tests check with it that nothing is left behind. Leave out records that a store keeps for a
        limited time after a call, such as the outcomes of recent calls.
        """
        raise NotImplementedError

    def reclaim(self, store: ChatStore) -> None:
        """Free the storage of expired conversations.

        The default writes to another conversation. If the database expires records by itself,
        make it do so at once.
        """
        store.add_message("reclaim", message("x"))
        store.delete_messages("reclaim")

    def pass_time(self, seconds: float) -> None:
        """Let all conversations expire this much earlier, as if the time had passed.

        If stores do not use the clock of `open`, and this is not overridden, tests of expiry wait
        for seconds, and fail on a machine that stops for longer.
        """
        raise NotImplementedError

    def failing(self) -> AbstractContextManager[None]:
        """Return a context in which the driver raises an error in every call of a store.

        Open stores stay open, and work again after the context.
        """
        raise NotImplementedError

    def unreachable(self) -> ChatStore:
        """Return a store whose database does not exist or does not answer; its calls fail soon."""
        raise NotImplementedError

    def read_only(self) -> AbstractContextManager[ChatStore]:
        """Return a context with a store on the same database whose user may read, not write."""
        raise NotImplementedError

    def slow(self) -> AbstractContextManager[float]:
        """Return a context in which each append takes at least the seconds that it provides."""
        raise NotImplementedError

    def lose(self, key: str, index: int) -> None:
        """Remove the record at ``index`` as eviction does, and keep the rest of the conversation.

        Override it if the database can lose single parts of a conversation.
        """
        raise NotImplementedError
