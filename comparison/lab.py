"""What a check works with: a store's workers, its server, and a relay between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from chatstore.core.testing.relay import Relay
from comparison.adapters.adapter import NotOfferedError
from comparison.fork_server import ForkServer
from comparison.servers import Server
from comparison.workers import Store, StoreError, Worker

__all__ = ["Lab", "NotOfferedError", "Outcome", "Store", "StoreError", "open_lab", "user"]


@dataclass(frozen=True)
class Outcome:
    """What a check has seen.

    Attributes:
        passed: Whether the promise was kept; ``None``: it does not apply.
        text: What happened, with numbers.
        figures: Measured seconds, by name.

    """

    passed: bool | None
    text: str
    figures: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, failures: Sequence[str], success: str) -> Outcome:
        """Return an outcome that lists the failures; without one, with the text of a success."""
        return cls(False, "; ".join(failures)) if failures else cls(True, success)


class Lab:
    """A store on an empty database."""

    def __init__(
        self, store: Store, server: Server, measure: str, forks: ForkServer | None
    ) -> None:
        """Prepare an empty database.

        Args:
            store: The store.
            server: Where it keeps its data.
            measure: In what costs are measured: ``"seconds"`` or ``"calls"`` of Python functions.
            forks: What starts the workers; ``None``: each is started alone.

        """
        self.server = server
        self.measure = measure
        self._store = store
        self._forks = forks
        self._url = server.fresh_url()
        self._stack = ExitStack()

    @property
    def is_in_one_process(self) -> bool:
        """Whether the data is in the worker's memory."""
        return self._url == "memory://"

    def worker(self, *, port: int | None = None, **options: Any) -> Worker:
        """Open the store in a new process.

        Args:
            port: A relay's port instead of the server's.
            options: See `Worker`.

        """
        url = self._url.format(port=port or self.server.port)
        worker = Worker(self._store, url, forks=self._forks, **options)
        self._stack.callback(worker.stop)
        return worker

    def relay(self) -> Relay:
        """Start a relay in front of the server."""
        assert self.server.port is not None
        relay = Relay(self.server.port)
        self._stack.callback(relay.close)
        return relay

    def close(self) -> None:
        """Stop all workers and relays."""
        self._stack.close()


@contextmanager
def open_lab(
    store: Store, server: Server, measure: str = "seconds", forks: ForkServer | None = None
) -> Iterator[Lab]:
    """Open a lab for a ``with`` block; see `Lab`."""
    lab = Lab(store, server, measure, forks)
    try:
        yield lab
    finally:
        lab.close()


def user(text: str, message_id: str | None = None) -> dict[str, Any]:
    """Return a user's message."""
    return {"role": "user", "text": text, "id": message_id}
