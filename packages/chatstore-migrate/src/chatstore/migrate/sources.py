"""Sources: what `migrate` reads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from chatstore.core import ChatMessage, ChatStore, CorruptMessageError

_ADVICE = "migrate(…, on_corrupt='skip') copies the other conversations"


class Source(Protocol):
    """Conversations as messages."""

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        ...

    def messages(self, key: str) -> Iterable[ChatMessage]:
        """Return the messages of a conversation, oldest first; the same ones each time."""
        ...


class Reader(Protocol):
    """Conversations as JSON values, as another library stored them."""

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        ...

    def items(self, key: str) -> Iterable[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        ...


class MappedSource:
    """A source made of a reader and a function that turns JSON values into messages."""

    def __init__(self, reader: Reader, to_message: Callable[[Any], ChatMessage]) -> None:
        """Combine both.

        Args:
            reader: Reads the JSON values.
            to_message: Returns the message for a value, or raises `ValueError`, `TypeError`,
                `KeyError` or `AttributeError` if the value is not a message.

        """
        self._reader = reader
        self._to_message = to_message

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        return self._reader.keys()

    def messages(self, key: str) -> Iterator[ChatMessage]:
        """Return the messages of a conversation, oldest first.

        Raises:
            CorruptMessageError: A value is not a message of the library.

        """
        values = iter(self._reader.items(key))
        for position in itertools.count():
            message = None
            try:
                value = next(values)
                message = self._to_message(value)
            except StopIteration:
                return
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                pass  # raised below: the library's error quotes the message
            if message is None:
                raise CorruptMessageError(
                    f"conversation {key!r} contains something that is not a message",
                    key=key,
                    position=position,
                    advice=_ADVICE,
                )
            yield message


class StoreSource:
    """The conversations of a `ChatStore`, with their ids and times."""

    def __init__(self, store: ChatStore) -> None:
        """Read from a store, which is never closed."""
        self.store = store

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        return self.store.get_keys()

    def messages(self, key: str) -> Iterator[ChatMessage]:
        """Return the messages of a conversation, oldest first."""
        return self.store.iter_messages(key)
