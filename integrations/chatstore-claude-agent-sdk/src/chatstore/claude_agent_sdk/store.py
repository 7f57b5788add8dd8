"""``ChatStoreSessions``: any store as the Claude Agent SDK's ``SessionStore``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from claude_agent_sdk import (
    SessionKey,
    SessionListSubkeysKey,
    SessionStore,
    SessionStoreEntry,
    SessionStoreListEntry,
    SessionSummaryEntry,
)

from chatstore.claude_agent_sdk.entries import first_of_each, ids_of, to_entries, to_messages
from chatstore.claude_agent_sdk.keys import (
    conversation_key,
    owner_of,
    project_owner,
    session_owner,
)
from chatstore.claude_agent_sdk.ordering import KeyLocks
from chatstore.claude_agent_sdk.records import (
    Transcript,
    modified,
    read_transcript,
    summary_entry,
    transcript_of,
)
from chatstore.claude_agent_sdk.repetitions import FailedAppends
from chatstore.claude_agent_sdk.summaries import read_current, update_summary, update_title
from chatstore.core import ChatStore, Conversation, ConversationExistsError
from chatstore.core.operations import add_new_messages
from chatstore.core.store import check_store


class ChatStoreSessions(SessionStore):
    """Keeps the transcripts of sessions in a store, for ``ClaudeAgentOptions(session_store=…)``.

    Each transcript is one conversation under the key `conversation_key`, whose owner is the
    project; subagents' transcripts belong to their session. Methods raise what the store's methods
    raise.
    """

    def __init__(self, store: ChatStore) -> None:
        """Use a store, which is never closed; nothing is read yet.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`.

        """
        self.store = check_store(store)
        self._locks = KeyLocks()
        self._failed = FailedAppends()

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        """Append entries next to each other, all or none of them.

        An entry is not appended if the transcript has its ``uuid`` already; the first entry with
        a ``uuid`` stays. Entries without one are always appended, but an append that raised an
        error and is repeated with equal entries takes effect once.

        Raises:
            InvalidMessageError: An entry is not a JSON object.
            InvalidKeyError: A name in ``key`` is empty.
            MessageTooLargeError: An entry exceeds the store's `max_message_bytes`.

        """
        if not entries:
            return
        conversation = conversation_key(key)
        async with self._locks.lock(conversation):
            ids = self._failed.take(conversation, entries) or ids_of(entries)
            messages = first_of_each(to_messages(entries, ids))
            try:
                transcript = await self._ensure_record(key)
                await self.store.async_run("append", add_new_messages, conversation, messages)
                if transcript.subpath is None:
                    if transcript.is_too_long:
                        await update_title(self.store, key, entries)
                    else:
                        await update_summary(self.store, key, len(messages))
            except BaseException:
                self._failed.remember(conversation, entries, ids)
                raise

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """Return all entries of a transcript, in their order; ``None`` if it does not exist.

        Raises:
            CorruptMessageError: An entry cannot be read.

        """
        messages = await self.store.async_get_messages(conversation_key(key))
        return to_entries(messages, key["session_id"]) if messages else None

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """Return the sessions of a project with the times of their last writes.

        The cost depends on the number of the project's sessions alone.
        """
        return [
            {"session_id": transcript.session_id, "mtime": modified(conversation)}
            async for conversation, transcript in self._transcripts(project_owner(project_key))
        ]

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """Return the summaries of a project's sessions, which are a part of their records.

        A session is only read if the process that appended to it ended before it could write the
        summary, or if the summary is too long for the record.
        """
        summaries: list[SessionSummaryEntry] = []
        async for conversation, transcript in self._transcripts(project_owner(project_key)):
            if transcript.summary is not None and transcript.entries == conversation.length:
                summaries.append(summary_entry(transcript, conversation))
                continue
            key: SessionKey = {"project_key": project_key, "session_id": transcript.session_id}
            current = await read_current(self.store, key)
            if current is not None:
                summaries.append(summary_entry(current[1], current[0]))
        return summaries

    async def delete(self, key: SessionKey) -> None:
        """Delete a session with its subagents, or with a subpath only that transcript."""
        if key.get("subpath") is None:
            # The subagents first: after a crash in between, the session can be deleted again.
            owner = session_owner(key["project_key"], key["session_id"])
            await self.store.async_delete_conversations(owner=owner)
        await self.store.async_delete_messages(conversation_key(key))

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """Return the subpaths of a session, such as those of its subagents."""
        owner = session_owner(key["project_key"], key["session_id"])
        return [
            transcript.subpath
            async for _, transcript in self._transcripts(owner)
            if transcript.subpath is not None
        ]

    async def _ensure_record(self, key: SessionKey) -> Transcript:
        """Create a transcript's record if it is missing, so that no entry is without one."""
        conversation, owner, new = conversation_key(key), owner_of(key), transcript_of(key)
        record = await self.store.async_get_conversation(conversation)
        if record is None:
            with suppress(ConversationExistsError):  # another process was faster
                await self.store.async_create_conversation(
                    conversation, owner=owner, metadata=new.to_metadata()
                )
            return new
        transcript = read_transcript(record)
        if transcript is not None and transcript.is_of(key) and record.owner == owner:
            return transcript
        # Another program began the conversation, or forked it.
        await self.store.async_update_conversation(
            conversation, owner=owner, metadata=new.to_metadata()
        )
        return new

    async def _transcripts(self, owner: str) -> AsyncIterator[tuple[Conversation, Transcript]]:
        """Yield the transcripts of an owner that have entries."""
        async for conversation in self.store.async_iter_conversations(owner=owner):
            transcript = read_transcript(conversation)
            if transcript is not None and conversation.length:
                yield conversation, transcript
