"""``Forks``: what conversations share, and what is removed with a conversation.

A conversation that continues from an entry of another log is noted at this entry before it is
written. So a deletion knows which entries are used: it removes all others, in one write that
succeeds only if no fork was noted since. A crash in between leaves a note too many, and
entries that nobody uses until their conversation is deleted `STALE_AFTER` the note.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from pydantic_ai.conversation_store import ConversationConflict

from chatstore.core import (
    ChatMessage,
    ChatStore,
    ConversationNotFoundError,
    RevisionConflictError,
    Snapshot,
)
from chatstore.pydantic_ai.conversations.entries import Link, linked
from chatstore.pydantic_ai.conversations.locations import EntryLocations
from chatstore.pydantic_ai.conversations.notes import (
    Base,
    Mark,
    Notes,
    change_notes,
    notes_of,
    with_notes,
)
from chatstore.pydantic_ai.conversations.state import read_state, state_of

STALE_AFTER = 3600.0
"""Seconds after which the note of a fork that does not exist is ignored."""


class Forks:
    """Notes forks, and removes the entries that no conversation uses."""

    def __init__(self, store: ChatStore, locations: EntryLocations) -> None:
        """Use a store; nothing is read yet."""
        self._store = store
        self._locations = locations

    async def note(self, key: str, entry_ids: Iterable[str]) -> list[Base]:
        """Note that a conversation will continue from entries; return those of other logs.

        Raises:
            ConversationConflict: An entry does not exist.

        """
        bases: list[Base] = []
        for entry_id in entry_ids:
            try:
                base_key, message = await self._locations.find(entry_id)
            except KeyError:
                raise ConversationConflict(key) from None
            if base_key != key:
                if not await self._change(base_key, message, key, added=True):
                    raise ConversationConflict(key)
                bases.append(Base(base_key, entry_id))
        return bases

    async def release(self, key: str, record_revision: str | None) -> None:
        """Delete a conversation, but keep the entries of its log that others use.

        Args:
            key: The conversation.
            record_revision: The revision of its record; ``None``: it was deleted before, and its
                log has only entries that others used.

        Raises:
            ConversationConflict: The record has another revision.

        """
        while True:  # ends: each repetition follows another writer's success
            snapshot = await self._store.async_snapshot(key)
            state = state_of(snapshot)
            if state.record_revision != record_revision:
                raise ConversationConflict(key)
            if snapshot.conversation is None:
                return
            remaining = await self._used(key, snapshot.messages)
            try:
                await self._reduce(key, snapshot, remaining, state.bases)
            except RevisionConflictError:
                continue
            break
        removed = linked(key, snapshot.messages, from_start=True).keys() - remaining.keys()
        await self._locations.remove(key, removed, remaining)
        if not remaining:
            for base in state.bases:
                await self._forget(base, key)

    async def _reduce(
        self, key: str, snapshot: Snapshot, remaining: dict[str, ChatMessage], bases: Sequence[Base]
    ) -> None:
        """Remove the record and all messages but the remaining ones, in one write."""
        revision = snapshot.conversation.revision if snapshot.conversation else None
        if not remaining:
            await self._store.async_delete_messages(key, expected_revision=revision)
            return
        messages = list(remaining.values())
        messages[-1] = change_notes(messages[-1], mark=Mark(record=None, bases=list(bases)))
        await self._store.async_set_messages(key, messages, expected_revision=revision)
        metadata = snapshot.conversation.metadata if snapshot.conversation else {}
        await self._clear(key, dict.fromkeys(metadata))

    async def _clear(self, key: str, metadata: Mapping[str, None]) -> None:
        """Remove the owner, the title and the metadata, unless the conversation began again."""
        while True:  # ends: each repetition follows another writer's success
            state = await read_state(self._store, key)
            if state.revision is None or state.record is not None:
                return
            try:
                await self._store.async_update_conversation(
                    key,
                    owner=None,
                    title=None,
                    metadata=metadata,
                    expected_revision=state.revision,
                )
            except RevisionConflictError:
                continue
            except ConversationNotFoundError:
                pass  # its last fork has just been deleted
            return

    async def _used(self, key: str, messages: Sequence[ChatMessage]) -> dict[str, ChatMessage]:
        """Return the messages of entries that forks continue from, and of those before them."""
        links = linked(key, messages, from_start=True)
        used: set[str] = set()
        for entry_id, link in links.items():
            forks = notes_of(link.message).forks
            before = entry_id if await self._is_shared(Base(key, entry_id), forks) else None
            while before in links and before not in used:
                used.add(before)
                before = links[before].parent
        return {entry_id: _remaining(link) for entry_id, link in links.items() if entry_id in used}

    async def _is_shared(self, base: Base, forks: Mapping[str, float]) -> bool:
        """Return whether a fork continues from an entry, or may be about to."""
        oldest = time.time() - STALE_AFTER
        if any(since > oldest for since in forks.values()):
            return True
        states = await asyncio.gather(*(read_state(self._store, fork) for fork in forks))
        return any(base in state.bases for state in states)

    async def _forget(self, base: Base, key: str) -> None:
        """Remove the note of a fork, and the entries that only it used."""
        try:
            base_key, message = await self._locations.find(base.entry_id)
        except KeyError:
            return
        await self._change(base_key, message, key, added=False)
        state = await read_state(self._store, base_key)
        if state.revision is not None and state.record is None:
            with suppress(ConversationConflict):  # somebody has begun the conversation again
                await self.release(base_key, None)

    async def _change(self, key: str, message: ChatMessage, fork: str, *, added: bool) -> bool:
        """Add or remove the note of a fork; return whether the entry exists."""
        while True:  # ends: each repetition follows another writer's success
            conversation = await self._store.async_get_conversation(key)
            stored = await self._store.async_get_message(key, str(message.id))
            if conversation is None or stored is None:
                return False
            forks = {one: at for one, at in notes_of(stored).forks.items() if one != fork}
            if added:
                forks[fork] = time.time()
            try:
                await self._store.async_put_message(
                    key, change_notes(stored, forks=forks), expected_revision=conversation.revision
                )
            except RevisionConflictError:
                continue
            return True


def _remaining(link: Link) -> ChatMessage:
    """Return a message whose neighbours are removed: its parent is noted, its mark is not."""
    notes = notes_of(link.message)
    return with_notes(link.message, Notes(kind=notes.kind, parent=link.parent, forks=notes.forks))
