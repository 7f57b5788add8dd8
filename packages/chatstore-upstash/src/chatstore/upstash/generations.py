"""``Generations``: replaces a client when its connections turn out to be useless.

A firewall that drops connections without notice drops all of them: if one request gets no answer
in time, the other connections of its client are useless too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from chatstore.core.backend import Health
from chatstore.upstash.errors import judge

C = TypeVar("C")


class Generation(Generic[C]):
    """A client, and the number of calls that use it."""

    def __init__(self, client: C) -> None:
        """Take a client that no call uses yet."""
        self.client = client
        self.users = 0
        self.is_retired = False


class Generations(Generic[C]):
    """The client for new calls; replaced clients are closed when their last call ends."""

    def __init__(self, make: Callable[[], C]) -> None:
        """Make the first client later, with ``make``."""
        self._make = make
        self._lock = threading.Lock()
        self._current: Generation[C] | None = None

    def acquire(self) -> Generation[C]:
        """Return the current client for a call."""
        with self._lock:
            if self._current is None:
                self._current = Generation(self._make())
            self._current.users += 1
            return self._current

    def release(self, generation: Generation[C]) -> C | None:
        """End a call; return a client that must be closed now, or ``None``."""
        with self._lock:
            generation.users -= 1
            is_unused = generation.is_retired and not generation.users
        return generation.client if is_unused else None

    def check(self, generation: Generation[C], error: Exception) -> None:
        """Replace the client for new calls if the error shows that its connections are useless."""
        verdict = judge(error)
        if verdict is None or verdict.health is not Health.OUTDATED:
            return
        with self._lock:
            generation.is_retired = True
            if self._current is generation:
                self._current = None

    def end(self) -> C | None:
        """Return the current client, which the caller must close; ``None`` if there is none."""
        with self._lock:
            current, self._current = self._current, None
        return None if current is None else current.client

    @property
    def client(self) -> C | None:
        """The current client, if there is one."""
        current = self._current
        return None if current is None else current.client
