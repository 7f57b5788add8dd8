"""What an observer of calls is told; without one, nothing is measured."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Protocol, TypeVar

from chatstore.core.backend.plans import Plan

C = TypeVar("C")
T = TypeVar("T")


class ObservedCall(Protocol):
    """One call of a store's method."""

    @abstractmethod
    def watch(self, plan: Plan[C, T]) -> Plan[C, T]:
        """Return a plan that does the same, and makes this the `current_call` while it runs.

        It may run on another thread than the caller's.
        """

    @abstractmethod
    def retried(self, reason: str | None, pause: float) -> None:
        """Note that a request failed and is sent again.

        Args:
            reason: Why, without secrets; ``None``: for a usual reason, such as another writer.
            pause: The seconds before it is sent.

        """

    @abstractmethod
    def waited(self, seconds: float) -> None:
        """Note that the call waited for a free connection."""


class Observer(Protocol):
    """Observes the calls of stores."""

    @abstractmethod
    def observe(self, operation: str) -> AbstractContextManager[ObservedCall]:
        """Return a context around the run of a call's plan; errors of the driver pass through it.

        Args:
            operation: The name of the method, such as ``"add_message"``.

        """


current_call: ContextVar[ObservedCall | None] = ContextVar("chatstore_call", default=None)
"""The call whose plan is running."""
