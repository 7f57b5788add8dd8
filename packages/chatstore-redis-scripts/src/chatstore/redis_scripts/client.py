"""``ScriptClient``: the interface that the plans need of any package's client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import MaybeAwaitable

Command: TypeAlias = Sequence[str]
"""The words of a command."""


class Attempt:
    """One attempt to send a command; the client fills it in.

    Attributes:
        meanwhile: What the client may do while the server works, at most once.
        is_brief: Whether the reply is usually short and comes soon.
        was_sent: Whether the server may have received the command.
        was_reused: Whether the connection had answered other commands before.

    """

    def __init__(
        self, meanwhile: Callable[[], object] | None = None, *, is_brief: bool = False
    ) -> None:
        """Begin an attempt."""
        self.meanwhile = meanwhile
        self.is_brief = is_brief
        self.was_sent = False
        self.was_reused = False


class ScanPage(NamedTuple):
    """Names of keys, and the cursor of the next page (``None`` after the last page)."""

    cursor: Any | None
    names: list[str]


def scan_command(cursor: Any | None, pattern: str, count: int) -> Command:
    """Return the command that lists keys; the first cursor is ``None``.

    Raises:
        InvalidArgumentError: ``cursor`` is not one of a single server.

    """
    text = str(cursor or 0)
    if not text.isdecimal():
        raise foreign_cursor()
    return ["SCAN", text, "MATCH", pattern, "COUNT", str(count)]


def foreign_cursor() -> InvalidArgumentError:
    """Return the error of a cursor that this client did not return."""
    return InvalidArgumentError("this cursor belongs to another store: start without one")


class ScriptClient(Protocol):
    """Sends commands to a server or a cluster; the methods of an async client are awaitable.

    A method makes one attempt; the plans retry it. It raises the driver's errors, and
    `chatstore.redis_scripts.ErrorRules` says what they mean.
    """

    def send(self, command: Command, attempt: Attempt) -> MaybeAwaitable[Any]:
        """Send a command and return the reply: a string, an integer, ``None``, or a list."""
        ...

    def send_all(self, commands: Sequence[Command], attempt: Attempt) -> MaybeAwaitable[list[Any]]:
        """Send commands that only read, and return their replies.

        A cluster's nodes get their commands at the same time.
        """
        ...

    def scan(
        self, cursor: Any | None, pattern: str, count: int, attempt: Attempt
    ) -> MaybeAwaitable[ScanPage]:
        """List about ``count`` keys that match a pattern; a cluster's nodes one after the other.

        The cursor of the first page is ``None``.
        """
        ...

    def sleep(self, seconds: float) -> MaybeAwaitable[None]:
        """Wait."""
        ...
