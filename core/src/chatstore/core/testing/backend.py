"""What the contract suite needs to know about a backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from chatstore.core import ChatStore


class Backend(ABC):
    """Opens stores on one fresh database.

    Where ``shared_between_processes``, `opener` must return something that can be pickled.

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
