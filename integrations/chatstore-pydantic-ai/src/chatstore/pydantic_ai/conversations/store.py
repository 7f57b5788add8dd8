"""``ChatStoreConversations``: Pydantic AI's ``ConversationStore`` over a `ChatStore`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
)

from chatstore.core import (
    ChatMessage,
    ChatStore,
    Conversation,
    InvalidArgumentError,
    MessageConflictError,
    RevisionConflictError,
)
from chatstore.core.checks import check_key, check_owner
from chatstore.core.store import check_store
from chatstore.pydantic_ai.conversations.entries import (
    Link,
    stored_entries,
    to_entries,
    with_mark,
)
from chatstore.pydantic_ai.conversations.forks import Forks
from chatstore.pydantic_ai.conversations.history import read_chain, read_link
from chatstore.pydantic_ai.conversations.locations import EntryLocations, is_pointer
from chatstore.pydantic_ai.conversations.notes import Base, Mark, change_notes
from chatstore.pydantic_ai.conversations.recent import Recent
from chatstore.pydantic_ai.conversations.state import State, read_state
from chatstore.pydantic_ai.conversations.writing import append_new, create

_STATES = 1000
_PAGE = 20  # records that are read at the same time
_DISORDER = timedelta(seconds=60)
"""How far the store's order of an owner's conversations may differ from that of their records.

Some stores refresh their lists once a minute. Records also have the times of other clocks.
"""


class ChatStoreConversations(ConversationStore):
    """Keeps Pydantic AI's conversations in any store.

    A conversation's id is its key in the store, and its scope is the conversation's owner, so the
    store's own methods, and other frameworks, find it there. Methods also raise what the store's
    methods raise.

    A deletion removes the record, and every message that no other conversation's history uses.
    """

    def __init__(self, store: ChatStore) -> None:
        """Use a store, which is never closed; nothing is read yet.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`.

        """
        self.store = check_store(store)
        self._locations = EntryLocations(store)
        self._forks = Forks(store, self._locations)
        self._states: Recent[State] = Recent(_STATES)

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        """Return a conversation's record, ``None`` if there is no such conversation.

        A conversation that another framework began or continued has a record, too.
        """
        state = await self._read_state(conversation_id)
        self._states.put(conversation_id, state)
        return state.record

    async def read_records(
        self, *, scope: str | None = None, limit: int | None = None
    ) -> Sequence[ConversationRecord]:
        """Return the records of a scope, newest ``updated_at`` first, at most ``limit`` of them.

        This costs a request for each record, and what `ChatStore.list_conversations` costs; without
        a scope, it reads the records of all conversations.
        """
        if limit == 0:
            return []
        records: list[ConversationRecord] = []
        batch: list[Conversation] = []
        async for conversation in self.store.async_iter_conversations(owner=scope):
            if not is_pointer(conversation.key):
                batch.append(conversation)
            if len(batch) == _PAGE:
                records += await self._records_of(batch, scope)
                if scope is not None and _has_newest(records, limit, batch[-1]):
                    batch = []
                    break
                batch = []
        records += await self._records_of(batch, scope)
        records.sort(key=lambda record: record.updated_at, reverse=True)
        return records[:limit]

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        """Store a record and new entries, together or not at all.

        Raises:
            ConversationConflict: The stored record does not have ``expected_revision``, or the
                history continues from an entry that does not exist.
            MessageConflictError: The conversation has an entry with the id of a new one.
            InvalidMessageError: JSON cannot hold a message or the record.
            MessageTooLargeError: A message is above the store's limit.
            InvalidArgumentError: The conversation's id or scope does not have 1 to 255 bytes, or
                the record still has ``expected_revision``.

        """
        key = check_key(record.conversation_id)
        if record.revision == expected_revision:
            raise InvalidArgumentError("the record needs a new revision: each write changes it")
        if record.scope is not None:
            check_owner(record.scope)
        messages = stored_entries(new_entries)
        recent = self._states.pop(key)
        is_recent = recent is not None and recent.record_revision == expected_revision
        state = recent if recent and is_recent else await self._read_state(key)
        while state.record_revision != record.revision:
            if state.record_revision != expected_revision:
                raise ConversationConflict(key)
            bases = await self._bases(state, record, new_entries)
            await self._locations.add(key, [entry.id for entry in new_entries])
            if await self._write(state, messages, record, bases):
                break
            state = await self._read_state(key)  # an earlier attempt may have succeeded
        for entry in new_entries:
            self._locations.remember(entry.id, key)
        if state.owner != record.scope and state.revision is not None:
            await self.store.async_update_conversation(key, owner=record.scope)

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        """Delete a conversation, and all its messages that no other conversation's history uses.

        Raises:
            ConversationConflict: The stored record does not have ``expected_revision``.

        """
        self._states.pop(conversation_id)
        await self._forks.release(conversation_id, expected_revision)

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        """Return an entry.

        Raises:
            KeyError: There is no such entry.

        """
        entries = to_entries([(entry_id, await read_link(self.store, self._locations, entry_id))])
        if not entries:
            raise KeyError(entry_id)
        return entries[0]

    async def read_history(
        self, head_id: str | None, *, limit: int | None = None
    ) -> list[ConversationEntry]:
        """Return the entries up to ``head_id``, oldest first, or the last ``limit`` of them.

        A history that is in one log takes one request, and one more for each log that it shares.

        Raises:
            KeyError: An entry does not exist.

        """
        chain: list[tuple[str, Link]] = await read_chain(
            self.store, self._locations, head_id, limit
        )
        return to_entries(chain)

    async def _read_state(self, key: str) -> State:
        state = await read_state(self.store, key)
        if state.record is not None:
            for entry_id in (state.record.head_id, *state.record.branches):
                if entry_id is not None:
                    self._locations.remember(entry_id, key)
        for base in state.bases:
            self._locations.remember(base.entry_id, base.key)
        return state

    async def _records_of(
        self, conversations: Sequence[Conversation], scope: str | None
    ) -> list[ConversationRecord]:
        states = await asyncio.gather(*(self._read_state(one.key) for one in conversations))
        records = [state.record for state in states if state.record is not None]
        return [one for one in records if scope is None or one.scope == scope]

    async def _bases(
        self, state: State, record: ConversationRecord, new_entries: Sequence[ConversationEntry]
    ) -> list[Base]:
        """Return the entries of other logs that the log continues from, all of them noted."""
        new_ids = {entry.id for entry in new_entries}
        used = dict.fromkeys([record.head_id, *(entry.parent_id for entry in new_entries)])
        before = [one for one in used if one is not None and one not in {*new_ids, state.head_id}]
        added = await self._forks.note(record.conversation_id, before)
        return list(dict.fromkeys([*state.bases, *added]))

    async def _write(
        self,
        state: State,
        messages: Sequence[ChatMessage],
        record: ConversationRecord,
        bases: list[Base],
    ) -> bool:
        """Store messages and a record in one write; return whether the state was still current."""
        key, scope = record.conversation_id, record.scope
        mark = Mark(record=record, bases=bases)
        if state.revision is None:
            return await self.store.async_run(
                "write_record", create, key, scope, with_mark(messages, mark)
            )
        try:
            if state.record is None and state.owner != scope:
                # What a deleted conversation left gets its new owner first: nobody sees it yet.
                await self.store.async_update_conversation(
                    key, owner=scope, expected_revision=state.revision
                )
                return False
            if state.newest is not None and not messages:
                await self.store.async_put_message(
                    key, change_notes(state.newest, mark=mark), expected_revision=state.revision
                )
                return True
            marked = with_mark(messages, mark)
            is_new = await self.store.async_run(
                "write_record", append_new, key, marked, state.revision
            )
        except RevisionConflictError:
            return False
        if is_new or (await self._read_state(key)).record_revision == record.revision:
            return True
        raise MessageConflictError("the conversation has an entry with the id of a new one")


def _has_newest(records: list[ConversationRecord], limit: int | None, last: Conversation) -> bool:
    """Return whether no conversation behind the last one belongs to the newest ``limit``."""
    if limit is None or len(records) < limit:
        return False
    newest = sorted((record.updated_at for record in records), reverse=True)
    return newest[limit - 1] >= last.updated_at + _DISORDER
