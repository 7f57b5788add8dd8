"""``EntryLocations``: finds the log that an entry is in, by the entry's id alone.

For entries that are stored together there is a pointer: a conversation of its own, whose messages
have the keys of logs as their ids. Pydantic AI's ids begin with their time, so entries that are
stored together share the beginning of their ids, which is the pointer's key. Finding an entry
takes two requests, storing any number of entries usually one more.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable

from chatstore.core import ChatMessage, ChatStore, MessageRole
from chatstore.core.keys import join_key
from chatstore.pydantic_ai.conversations.entries import parse_entry_id
from chatstore.pydantic_ai.conversations.notes import notes_of
from chatstore.pydantic_ai.conversations.recent import Recent

_NAMESPACE = "chatstore.pydantic_ai"
_POINTERS = join_key(_NAMESPACE, "entries") + "/"
# the time in milliseconds, the version, and bits that a process draws for each millisecond
_UUID7 = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3})-[0-9a-f]{4}-[0-9a-f]{12}")
_RECENT = 10_000


class EntryLocations:
    """Finds entries, and keeps the pointers to them."""

    def __init__(self, store: ChatStore) -> None:
        """Use a store; nothing is read yet."""
        self._store = store
        self._recent: Recent[str] = Recent(_RECENT)

    def remember(self, entry_id: str, key: str) -> None:
        """Look into this log first; if the entry is not there, it is searched as usual."""
        self._recent.put(entry_id, key)

    def recent(self, entry_id: str) -> str | None:
        """Return the log that the entry was in last, without a request."""
        return self._recent.get(entry_id)

    async def find(self, entry_id: str) -> tuple[str, ChatMessage]:
        """Return the key of the log and the message of an entry.

        Raises:
            KeyError: There is no such entry.

        """
        others = parse_entry_id(entry_id)
        if others is not None:
            message = await self._store.async_get_message(*others)
            if message is not None and notes_of(message).kind is None:
                return others[0], message
        else:
            async for key in self._candidates(entry_id):
                message = await self._store.async_get_message(key, entry_id)
                if message is not None and notes_of(message).kind == "entry":
                    self.remember(entry_id, key)
                    return key, message
        raise KeyError(entry_id)

    async def _candidates(self, entry_id: str) -> AsyncIterator[str]:
        recent = self._recent.get(entry_id)
        if recent is not None:
            yield recent
        for pointer in await self._store.async_get_messages(_pointer_key(entry_id)):
            if pointer.id is not None and pointer.id != recent:
                yield pointer.id

    async def add(self, key: str, entry_ids: Iterable[str]) -> None:
        """Point to a log from the ids of entries that are about to be stored."""
        pointer = ChatMessage(role=MessageRole.SYSTEM, id=key)
        keys = dict.fromkeys(map(_pointer_key, entry_ids))
        await asyncio.gather(*(self._store.async_add_message(one, pointer) for one in keys))

    async def remove(self, key: str, removed: Iterable[str], remaining: Iterable[str]) -> None:
        """Remove the pointers to entries that were removed from a log."""
        own = (one for one in removed if parse_entry_id(one) is None)
        keys = dict.fromkeys(map(_pointer_key, own))
        for still_used in map(_pointer_key, remaining):
            keys.pop(still_used, None)
        for one in keys:
            await self._store.async_remove_message(one, key)


def is_pointer(key: str) -> bool:
    """Return whether a key is that of a pointer."""
    return key.startswith(_POINTERS)


def _pointer_key(entry_id: str) -> str:
    match = _UUID7.fullmatch(entry_id)
    return join_key(_NAMESPACE, "entries", match[1] if match else entry_id)
