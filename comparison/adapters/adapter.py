"""What a check can ask of a store: few calls, each as the library's users write it."""

from __future__ import annotations

import asyncio
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Message = dict[str, Any]
"""``role``, ``text``, ``id``; ``calls``: ids of tool calls; ``call``: the answered one."""


class NotOfferedError(Exception):
    """The library has no such call or option; the text says which."""


class Adapter(ABC):
    """A store of a library, as its users open and call it; a module's ``make`` is its class."""

    def __init__(self, url: str, ttl: float | None) -> None:
        """Open the store.

        Args:
            url: A server's URL, or that of a file or folder.
            ttl: Seconds after which conversations expire, if the library has such an option.

        Raises:
            NotOfferedError: The library has no such option.

        """
        if ttl is not None:
            raise NotOfferedError("the store has no option for expiry")
        self.url = url

    @abstractmethod
    def append(self, key: str, message: Message) -> None:
        """Add one message."""

    def write_many(self, key: str, messages: list[Message]) -> None:
        """Write messages into a new conversation in one call of the library."""
        raise NotOfferedError("each call takes one message")

    @abstractmethod
    def read(self, key: str) -> list[Message]:
        """Read the whole conversation."""

    def recent(self, key: str) -> object:
        """Read about the 20 newest messages, with the cheapest call that the library offers."""
        return self.read(key)

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """Store a conversation and return what the library would send to a model of it.

        Args:
            key: A new conversation.
            messages: The conversation; the last message is the user's new question.
            limit: In the library's unit, messages or tokens.

        """
        raise NotOfferedError("the library chooses no window; the application does")

    def window_limits(self) -> list[int]:
        """Return the limits to try, from the smallest in which a whole exchange fits."""
        return list(range(4, 17))

    @abstractmethod
    def samples(self) -> dict[str, Any]:
        """Return messages of the library's own type, by what is special about them."""

    @abstractmethod
    def put_sample(self, key: str, sample: Any) -> None:
        """Store a message of the library's own type in a new conversation."""

    @abstractmethod
    def get_sample(self, key: str) -> Any:
        """Read the message that `put_sample` has stored."""

    def same(self, before: Any, after: Any) -> bool:
        """Return whether what was read equals what was stored, all fields included."""
        return bool(before == after)


class Loops:
    """Runs coroutines on one event loop for each thread and process."""

    def __init__(self) -> None:
        """Create no loop yet."""
        self._local = threading.local()

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        if getattr(self._local, "process", None) != os.getpid():  # a forked child needs its own
            self._local.process = os.getpid()
            self._local.loop = asyncio.new_event_loop()
        result: T = self._local.loop.run_until_complete(work)
        return result
