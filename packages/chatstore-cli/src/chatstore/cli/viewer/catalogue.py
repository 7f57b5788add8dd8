"""All conversations of a store, newest first: what the page lists, filters and counts.

A store lists an owner's conversations newest first, but all conversations in any order, and it has
no list of owners. So the viewer reads all records once, in the background, and sorts them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from chatstore.core import ChatStore, ChatStoreError, Conversation

_PAGE_SIZE = 1000


class Entry(NamedTuple):
    """What the list shows of a conversation."""

    updated_at: datetime
    key: str
    owner: str | None
    title: str | None
    length: int


class Owner(NamedTuple):
    """An owner, ``None`` for conversations without one."""

    newest: datetime
    name: str | None
    length: int


class Query(NamedTuple):
    """Which conversations to list.

    Attributes:
        text: Part of the title, the key or the owner, in any case.
        owner: Whose conversations.
        is_unowned: Only conversations without an owner.

    """

    text: str = ""
    owner: str | None = None
    is_unowned: bool = False

    def matches(self, entry: Entry) -> bool:
        """Return whether a conversation is listed."""
        if self.owner is not None and entry.owner != self.owner:
            return False
        if self.is_unowned and entry.owner is not None:
            return False
        return not self.text or any(
            self.text in text.casefold()
            for text in (entry.title, entry.key, entry.owner)
            if text is not None
        )


class Catalogue:
    """The records of a store's conversations, read in the background."""

    def __init__(self, store: ChatStore, owner: str | None = None) -> None:
        """Take the store; ``owner``: only this owner's conversations are read."""
        self._store = store
        self._owner = owner
        self._entries: dict[str, Entry] = {}
        self._sorted: list[Entry] | None = None
        self._result: tuple[Query, list[Entry]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._removed: set[str] = set()  # since the reading began
        self.error: ChatStoreError | None = None

    @property
    def is_reading(self) -> bool:
        """Whether more conversations follow."""
        return self._task is not None and not self._task.done()

    def refresh(self) -> None:
        """Read all records again, unless they are being read."""
        if not self.is_reading:
            self._task = asyncio.get_running_loop().create_task(self._read())

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def update(self, conversation: Conversation) -> None:
        """Note what was read of a listed conversation elsewhere."""
        entry = _entry(conversation)
        if self._entries.get(entry.key, entry) != entry:
            self._entries[entry.key] = entry
            self._forget_results()

    def remove(self, key: str) -> None:
        """Note that a conversation does not exist."""
        self._removed.add(key)
        if self._entries.pop(key, None) is not None:
            self._forget_results()

    def find(self, query: Query) -> list[Entry]:
        """Return the conversations of a query, newest first."""
        if self._result is None or self._result[0] != query:
            self._result = (query, [entry for entry in self._newest() if query.matches(entry)])
        return self._result[1]

    def owners(self, text: str) -> list[Owner]:
        """Return the owners whose names contain a text, by their newest conversation."""
        newest: dict[str | None, datetime] = {}
        counts: dict[str | None, int] = {}
        for entry in self._newest():
            if not text or (entry.owner is not None and text in entry.owner.casefold()):
                newest.setdefault(entry.owner, entry.updated_at)
                counts[entry.owner] = counts.get(entry.owner, 0) + 1
        return [Owner(time, name, counts[name]) for name, time in newest.items()]

    def _newest(self) -> Sequence[Entry]:
        if self._sorted is None:
            entries = self._entries.values()
            self._sorted = sorted(entries, key=lambda entry: entry[:2], reverse=True)
        return self._sorted

    def _forget_results(self) -> None:
        self._sorted = self._result = None

    async def _read(self) -> None:
        self.error = None
        self._removed.clear()
        is_first = not self._entries
        entries: dict[str, Entry] = {}
        cursor: str | None = None
        try:
            while True:
                page = await self._store.async_list_conversations(
                    owner=self._owner, limit=_PAGE_SIZE, cursor=cursor
                )
                entries.update((one.key, _entry(one)) for one in page.conversations)
                cursor = page.next_cursor
                if is_first or cursor is None:  # otherwise the list would shrink and grow again
                    for key in self._removed.intersection(entries):
                        del entries[key]
                    self._entries = entries
                    self._forget_results()
                if cursor is None:
                    return
        except ChatStoreError as error:
            self.error = error


def _entry(conversation: Conversation) -> Entry:
    return Entry(
        conversation.updated_at,
        conversation.key,
        conversation.owner,
        conversation.title,
        conversation.length,
    )
