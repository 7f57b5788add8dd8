"""The harness of the healing contract, and a record of the calls in a test."""

from __future__ import annotations

import itertools
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from chatstore.core import ChatMessage, ChatStore, ChatStoreError
from chatstore.core.testing.attempts import Attempt, attempting
from chatstore.core.testing.contract.modes import (
    PATIENCE,
    AsyncCaller,
    Caller,
    MixedCaller,
    SyncCaller,
)
from chatstore.core.testing.messages import message
from chatstore.core.testing.relay import Relay

HANG = 120.0
"""Seconds after which a call counts as hanging."""
_TRIES = 5  # calls without a fault may exceed a short timeout on a busy machine


class RelayedHarness(ABC):
    """Opens stores on a database that is reached through a relay.

    Attributes:
        relay: The relay in front of the server. The contract ends every fault before a test ends.

    """

    relay: Relay

    @abstractmethod
    def open(self, *, timeout: float) -> ChatStore:
        """Return another store through the relay.

        Args:
            timeout: Seconds to wait for a connection and for an answer.

        """

    @abstractmethod
    def open_direct(self) -> ChatStore:
        """Return another store on the same conversations that does not use the relay."""

    def restart(self) -> None:
        """Restart the server, which keeps its data.

        The default only makes it look like a restart to clients.
        """
        self.relay.refuse()
        self.relay.cut()
        self.relay.restore()

    def fail_over(self) -> None:
        """Make the server refuse writes, and connect new clients to one that accepts them.

        Open connections keep the old server, as after a failover behind one address. By default
        the test of failovers is skipped.
        """
        pytest.skip("this harness has no second server: it does not override fail_over()")


class Scenario:
    """A store through a relay, and a record of its calls and their outcomes.

    Attributes:
        timeout: The store's timeout in seconds.
        forgiven: The number of calls that may fail after a fault: one for each mode, since each
            has its own connections.

    """

    def __init__(self, harness: RelayedHarness, call: Caller, timeout: float = PATIENCE) -> None:
        """Open a store."""
        self.harness, self.relay, self.call = harness, harness.relay, call
        self.forgiven = 2 if isinstance(call, MixedCaller) else 1
        self.timeout = timeout
        self._begin()

    def _begin(self) -> None:
        self._numbers = itertools.count()
        self._answered: Counter[str] = Counter()
        self._failed: set[str] = set()
        self.store = self.harness.open(timeout=self.timeout)

    def begin_again(self) -> None:
        """End this scenario, delete all conversations, and open another store."""
        self.end()
        with self.harness.open_direct() as store:
            for key in store.get_keys():
                store.delete_messages(key)
        self._begin()

    def end(self) -> None:
        """Stop all faults, and close the store."""
        self.relay.delay(0)
        self.relay.lose_replies(0)
        self.relay.restore()
        _close(self.store, self.call)

    def fill(self, count: int) -> None:
        """Make the store open ``count`` connections at the same time, and leave them idle."""
        errors: list[ChatStoreError] = []
        for _ in range(_TRIES):
            self.relay.delay(0.05)  # so that calls overlap
            try:
                attempts = self._together([("count_messages", "k")] * count)
            finally:
                self.relay.delay(0)
            errors = [a.error for a in attempts if a.error]
            if not errors:
                break
        assert errors == [], "calls fail before there is a fault"
        assert self.relay.connections > 0

    def append(self) -> Attempt:
        """Append a message, and record the outcome."""
        content = f"message {next(self._numbers)}"
        attempt: Attempt = self.call(attempting(self.store), "add_message", "k", message(content))
        self._note(content, attempt)
        return attempt

    def burst(self, count: int) -> list[Attempt]:
        """Append ``count`` messages by calls at the same time."""
        contents = [f"message {next(self._numbers)}" for _ in range(count)]
        attempts = self._together([("add_message", "k", message(c)) for c in contents])
        for content, attempt in zip(contents, attempts, strict=True):
            self._note(content, attempt)
        return attempts

    def _together(self, calls: Iterable[tuple[Any, ...]]) -> list[Attempt]:
        attempts = attempting(self.store)
        results = self.call.together([[(attempts, name, tuple(args))] for name, *args in calls])
        return [attempt for worker in results for attempt in worker]

    def _note(self, content: str, attempt: Attempt) -> None:
        if attempt.error is None:
            self._answered[content] += 1
        else:
            self._failed.add(content)

    def check_healed(self, attempts: list[Attempt]) -> None:
        """Assert that only the first of consecutive calls failed or were slow."""
        later = attempts[self.forgiven :]
        assert [a.error for a in later if a.error] == [], "a call failed after the first one"
        self.check_time(attempts)
        self.check_fast(later)

    def check_time(self, attempts: list[Attempt]) -> None:
        """Assert that no call waited for two timeouts."""
        slow = [round(a.seconds, 2) for a in attempts if a.seconds > 1.8 * self.timeout]
        assert slow == [], f"calls took more than one timeout of {self.timeout:.2f} s"

    def check_fast(self, attempts: list[Attempt]) -> None:
        """Assert that no call waited for a timeout."""
        slow = [round(a.seconds, 2) for a in attempts if a.seconds > 0.9 * self.timeout]
        assert slow == [], f"calls waited for a timeout of {self.timeout:.2f} s again"

    def check_messages(self) -> None:
        """Assert that each answered append took effect once, and each failed one at most once."""
        with self.harness.open_direct() as store:
            stored = Counter(str(m.content) for m in store.get_messages("k"))
        assert [c for c in self._answered if stored[c] == 0] == [], "answered, but not stored"
        assert [c for c, n in stored.items() if n > 1] == [], "stored twice"
        assert [c for c in stored if c not in self._answered and c not in self._failed] == []


def short_timeout(harness: RelayedHarness, call: Caller) -> float:
    """Return several times the seconds that this machine needs for a burst of new connections."""
    with harness.open(timeout=PATIENCE) as store:
        store.count_messages("k")  # imports modules, and sets up the database
    store = harness.open(timeout=PATIENCE)
    start = time.monotonic()
    call.together([[(store, "count_messages", ("k",))] for _ in range(10)])
    seconds = time.monotonic() - start
    _close(store, call)
    return max(1.0, 4 * seconds)


def _close(store: ChatStore, call: Caller) -> None:
    if isinstance(call, AsyncCaller):  # connections of a loop that is not running stay open
        call.loop.run_until_complete(store.async_close())
    else:
        store.close()


def answer(store: ChatStore, call: SyncCaller | AsyncCaller, key: str) -> list[ChatMessage]:
    """Return a conversation; the first attempt to read it may fail."""
    attempts = attempting(store)
    first: Attempt = call(attempts, "get_messages", key)
    if first.error is not None:
        first = call(attempts, "get_messages", key)
    assert first.error is None, f"failed twice: {first.error}"
    messages: list[ChatMessage] = first.result
    return messages
