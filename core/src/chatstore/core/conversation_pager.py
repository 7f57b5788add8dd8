"""``ConversationPager``: how far an iterator over conversations has come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatstore.core.backend.base import Backend
from chatstore.core.backend.plans import Plan
from chatstore.core.conversations import Conversation
from chatstore.core.operations import list_conversations

_PAGE_SIZE = 100


class ConversationPager:
    """Reads conversations a page at a time, each once.

    A conversation that is written during the iteration moves to the beginning of its owner's list.
    So the list is read again from the beginning, until a page has nothing new.
    """

    def __init__(
        self,
        backend: Backend[Any],  # noqa: ARG002 - all pagers are made in the same way
        owner: str | None,
    ) -> None:
        """Take the owner; ``None``: all conversations."""
        self.key = "" if owner is None else owner
        self.done = False
        self._owner = owner
        self._cursor: str | None = None
        self._seen: set[str] = set()
        self._is_first_pass = True

    def next_page(self, backend: Backend[Any], key: str) -> Plan[Any, list[Conversation]]:
        """Read the next conversations."""
        del key
        page = yield from list_conversations(backend, self._owner, _PAGE_SIZE, self._cursor)
        new = [one for one in page.conversations if one.key not in self._seen]
        self._seen.update(one.key for one in new)
        self._cursor = page.next_cursor
        if not self._is_first_pass:
            self.done = not new
        elif page.next_cursor is None:
            self._is_first_pass = False
            self.done = self._owner is None or not self._seen
        return new

    def resolve(self, items: list[Conversation]) -> Iterator[Conversation]:
        """Yield the conversations."""
        return iter(items)
