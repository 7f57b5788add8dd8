"""What a migration reads: conversations as JSON, turned into messages."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from chatstore.core.errors import CorruptMessageError
from chatstore.core.messages import ChatMessage
from chatstore.core.store import ChatStore

_ADVICE = "migrate(…, on_corrupt='skip') copies the other conversations"


class Conversations(Protocol):
    """Where another library left conversations, as JSON values."""

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        ...

    def items(self, key: str) -> Iterable[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        ...


class Source(Protocol):
    """What `migrate` copies."""

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        ...

    def messages(self, key: str) -> Iterable[ChatMessage]:
        """Return the messages of a conversation, oldest first; the same ones each time."""
        ...


class MappedSource:
    """Conversations whose JSON values a framework turns into messages."""

    def __init__(
        self, conversations: Conversations, to_message: Callable[[Any], ChatMessage]
    ) -> None:
        """Note both.

        Args:
            conversations: Where the JSON values are.
            to_message: Turns one into a message; what it raises is reported with the place.

        """
        self._conversations = conversations
        self._to_message = to_message

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        return self._conversations.keys()

    def messages(self, key: str) -> Iterator[ChatMessage]:
        """Return the messages of a conversation, oldest first.

        Raises:
            CorruptMessageError: A value is not a message of the framework.

        """
        values = iter(self._conversations.items(key))
        for position in itertools.count():
            message = None
            try:
                value = next(values)
                message = self._to_message(value)
            except StopIteration:
                return
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                pass  # raised below: the framework's error quotes the message
            if message is None:
                raise CorruptMessageError(
                    f"conversation {key!r} holds something that is not a message",
                    key=key,
                    position=position,
                    advice=_ADVICE,
                )
            yield message


class StoreSource:
    """The conversations of another store of this package; ids and times are kept."""

    def __init__(self, store: ChatStore) -> None:
        """Take a store, which stays open."""
        self.store = store

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        return self.store.get_keys()

    def messages(self, key: str) -> Iterator[ChatMessage]:
        """Return the messages of a conversation, oldest first."""
        return self.store.iter_messages(key)
