"""What happens to a conversation while it is shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING

from chatstore.core import MessageNotFoundError

if TYPE_CHECKING:
    from chatstore.core import ChatMessage, ChatStore

_SECONDS = 0.5
_PAGE = 100


@dataclass(frozen=True)
class Appended:
    """A new message."""

    message: ChatMessage


@dataclass(frozen=True)
class Grown:
    """More text of the last message, as of an answer that streams."""

    message: ChatMessage
    text: str


@dataclass(frozen=True)
class Removed:
    """Messages at the end were removed or replaced."""


@dataclass(frozen=True)
class Waiting:
    """Nothing happened for a moment."""


Event = Appended | Grown | Removed | Waiting


class Follower:
    """Reads what is appended, a few times a second.

    While nothing happens, each poll reads the record alone.
    """

    def __init__(self, store: ChatStore, key: str) -> None:
        """Follow a conversation from its beginning; see `start_after`."""
        self._store = store
        self._key = key
        self._newest: deque[ChatMessage] = deque(maxlen=_PAGE)
        self._revision: str | None = None

    def start_after(self, message: ChatMessage) -> None:
        """Treat a message, and all before it, as shown."""
        self._newest.append(message)

    def events(self) -> Iterator[Event]:
        """Yield events until the conversation is deleted."""
        while (conversation := self._store.get_conversation(self._key)) is not None:
            if conversation.revision == self._revision:
                yield Waiting()
                sleep(_SECONDS)
                continue
            yield from self._changes()
            self._revision = conversation.revision

    def _changes(self) -> Iterator[Event]:
        yield from self._changes_of_the_last()
        while True:
            last = self._newest[-1].id if self._newest else None
            try:
                page = self._store.page_messages(self._key, limit=_PAGE, after=last)
            except MessageNotFoundError:
                yield from self._changes_of_the_last()
                continue
            for message in page.messages:
                self._newest.append(message)
                yield Appended(message)
            if last is None or not page.has_more:
                return

    def _changes_of_the_last(self) -> Iterator[Event]:
        """Forget messages that were removed, and compare the last one that was not."""
        removed = False
        while self._newest:
            shown = self._newest[-1]
            current = self._store.get_message(self._key, str(shown.id))
            if current == shown:
                break
            self._newest.pop()
            added = None if current is None else _addition(shown, current)
            if current is not None and added is not None:
                self._newest.append(current)
                yield Grown(current, added)
                break
            removed = True
        if removed:
            yield Removed()


def _addition(before: ChatMessage, after: ChatMessage) -> str | None:
    """Return the text that was added to a message; ``None`` if it differs otherwise."""
    old, new = before.content or "", after.content or ""
    if isinstance(old, str) and isinstance(new, str) and new.startswith(old):
        without_text = {"content": None}
        if before.model_copy(update=without_text) == after.model_copy(update=without_text):
            return new[len(old) :]
    return None
