"""What an examination yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from chatstore.cli.errors import sentence_of
from chatstore.core import ChatStoreError

T = TypeVar("T")


class Status(str, Enum):
    """How serious a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of ``chatstore doctor``.

    Attributes:
        name: What was examined.
        status: How serious it is.
        message: What is the case.
        advice: What to do about it; empty if nothing needs to be done.

    """

    name: str
    status: Status
    message: str
    advice: str = ""


def ok(name: str, message: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(name, Status.OK, message)


def warn(name: str, message: str, advice: str) -> Finding:
    """Return a finding that may lead to problems."""
    return Finding(name, Status.WARN, message, advice)


def fail(name: str, message: str, advice: str) -> Finding:
    """Return a finding that makes the store unusable or loses data."""
    return Finding(name, Status.FAIL, message, advice)


def guarded(name: str, findings: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield findings; a refused request, as for a user without the right, becomes a warning."""
    try:
        yield from findings()
    except ChatStoreError as error:
        reason = sentence_of(error)
        yield warn(name, f"could not be examined: {reason}", "use a user with more rights")
