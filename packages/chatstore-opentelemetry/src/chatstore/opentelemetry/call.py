"""``Call``: one call of a store's method, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from opentelemetry import context
from opentelemetry.trace import Span

from chatstore.core.backend import Plan, current_call
from chatstore.opentelemetry import names

C = TypeVar("C")
T = TypeVar("T")


class Traffic:
    """Messages that a call read, or wrote.

    Attributes:
        messages: How many.
        bytes: The size of their bodies in UTF-8.
        bodies: The bodies, if they are recorded.

    """

    def __init__(self) -> None:
        """Start with no messages."""
        self.messages = 0
        self.bytes = 0
        self.bodies: list[str] = []


class Call:
    """What is known of a call; its methods are called by one thread at a time.

    Attributes:
        span: The call's span.
        observer: Who observes the call.
        read: The messages that it read.
        written: The messages that it wrote.
        retries: How often a request was sent again.
        waits: Seconds of each wait for a free connection.
        keys: The conversations that it used.

    """

    def __init__(self, span: Span, observer: object, *, keeps_bodies: bool) -> None:
        """Begin with nothing."""
        self.span = span
        self.observer = observer
        self.read = Traffic()
        self.written = Traffic()
        self.retries = 0
        self.waits: list[float] = []
        self.keys: set[str] = set()
        self._keeps_bodies = keeps_bodies
        self._context = context.get_current()

    def watch(self, plan: Plan[C, T]) -> Plan[C, T]:
        """See `ObservedCall.watch`; spans of drivers become children of the call's span."""
        token = context.attach(self._context)
        observed = current_call.set(self)
        try:
            return (yield from plan)
        finally:
            current_call.reset(observed)
            context.detach(token)

    def retried(self, reason: str | None, pause: float) -> None:
        """See `ObservedCall.retried`."""
        self.retries += 1
        self.span.add_event(
            names.RETRY_EVENT,
            {names.RETRY_REASON: reason or "other writers", names.RETRY_PAUSE: pause},
        )

    def waited(self, seconds: float) -> None:
        """See `ObservedCall.waited`."""
        self.waits.append(seconds)

    def count(self, traffic: Traffic, bodies: Iterable[str]) -> None:
        """Count messages."""
        for body in bodies:
            traffic.messages += 1
            traffic.bytes += len(body) if body.isascii() else len(body.encode())
            if self._keeps_bodies:
                traffic.bodies.append(body)
