"""``ChatStoreSessionService``: ADK's sessions in any store."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Literal, TypeAlias

from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.sessions.base_session_service import (
    BaseSessionService,
    GetSessionConfig,
    ListSessionsResponse,
)
from google.adk.sessions.session import Session
from google.adk.sessions.state import State

from chatstore.core import (
    ChatMessage,
    ChatStore,
    Conversation,
    ConversationExistsError,
    InvalidArgumentError,
    RevisionConflictError,
)
from chatstore.core.checks import check_count
from chatstore.core.memory.summaries import without_summaries
from chatstore.core.store import check_store
from chatstore.google_adk.events import state_delta_of, timestamp_of, to_events, to_messages
from chatstore.google_adk.names import SessionNames, names_of, owner_of
from chatstore.google_adk.reading import read_newest
from chatstore.google_adk.sessions import (
    SessionPage,
    StoredSession,
    newest_event_id,
)
from chatstore.google_adk.states import Scopes, SessionStates, join, split, to_json

Writers: TypeAlias = Literal["many", "one"]

DEFAULT_RECENT_EVENTS = 500
"""About 125 turns with a tool call each."""

_READS = 8  # states that are read at the same time


class ChatStoreSessionService(BaseSessionService):
    """Keeps sessions of the Agent Development Kit in any store.

    A session is one conversation; its events are messages that every framework can read. The
    states of sessions, users and applications are documents of their own. Methods also raise what
    the store's methods raise.
    """

    def __init__(
        self,
        store: ChatStore,
        *,
        writers: Writers = "many",
        num_recent_events: int | None = DEFAULT_RECENT_EVENTS,
        agent_name: str | None = None,
    ) -> None:
        """Use a store, which is never closed; nothing is read yet.

        Args:
            store: Where sessions are kept.
            writers: ``"many"``: several processes may append to a session; all events are stored.
                ``"one"``: an event is refused with `StaleSessionError` if
                the session has newer events than the given session.
            num_recent_events: The number of newest events to read if a call does not say it, less
                an incomplete turn at their beginning; ``None``: all. ADK's runner reads a session
                in each turn, so without a limit a turn costs more with each turn before.
            agent_name: The author of answers that other frameworks wrote. By default it is the
                user: ADK sends a model the answers of another agent as a transcript.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`, ``writers`` is neither
                ``"many"`` nor ``"one"``, or ``num_recent_events`` is not an integer of at least 1.

        """
        self.store = check_store(store)
        if writers not in {"many", "one"}:
            raise InvalidArgumentError(f"writers must be 'many' or 'one', not {writers!r}")
        self.writers = writers
        if num_recent_events is not None:
            check_count(num_recent_events, "num_recent_events", least=1)
        self.num_recent_events = num_recent_events
        self.agent_name = agent_name
        self._states = SessionStates(store)

    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: dict[str, Any] | None = None,
        session_id: str | None = None,
    ) -> Session:
        """Create a session; it appears with its state, or not at all.

        Raises:
            AlreadyExistsError: The user has a session with this id.
            InvalidKeyError: A name is empty.
            InvalidArgumentError: JSON cannot hold the state.

        """
        session_id = (session_id or "").strip() or str(uuid.uuid4())
        names = SessionNames(app_name, user_id, session_id)
        scopes = split(to_json(state or {}))
        nonce = uuid.uuid4().hex
        if any(scopes):
            await self._states.create(names, nonce, scopes)
        try:
            conversation = await self.store.async_create_conversation(
                names.key, owner=owner_of(app_name, user_id), metadata=names.to_metadata(nonce)
            )
        except ConversationExistsError:
            await self._states.delete(names.new_state_key(nonce))
            raise AlreadyExistsError(
                f"the user has a session with the id {session_id!r}: read it with get_session"
            ) from None
        return _session(names, conversation, await self._states.read(names, conversation, []))

    async def get_session(
        self,
        *,
        app_name: str,
        user_id: str,
        session_id: str,
        config: GetSessionConfig | None = None,
    ) -> Session | None:
        """Return a session with its newest events, ``None`` if it does not exist.

        Without a limit in ``config``, these are the newest `num_recent_events`, less an incomplete
        turn at their beginning. ``after_timestamp`` ends at the newest event that is older: no
        clock decides the order of events.
        """
        names = SessionNames(app_name, user_id, session_id.strip())
        if not all(names):
            return None
        newest = await read_newest(
            self.store, names.key, config or GetSessionConfig(), self.num_recent_events
        )
        if newest is None:
            return None
        state = await self._states.read(names, newest.conversation, newest.messages)
        session = _session(names, newest.conversation, state)
        session.events = to_events(without_summaries(newest.requested), agent_name=self.agent_name)
        if newest.messages:
            session.last_update_time = timestamp_of(newest.messages[-1])
            session.note_newest_event(newest.messages[-1].id)
        return session

    async def list_sessions(
        self, *, app_name: str, user_id: str | None = None
    ) -> ListSessionsResponse:
        """Return all sessions of a user with their states, without events, oldest first.

        Sessions are ordered by the time of their last write, which is the database's. Each session
        costs a read of its state; for long lists use `page_sessions`. Without ``user_id``, the
        sessions of all users of the application are returned: this reads the whole store.
        """
        if user_id == "":
            return ListSessionsResponse()
        owner = None if user_id is None else owner_of(app_name, user_id)
        rows = [
            (names, conversation)
            async for conversation in self.store.async_iter_conversations(owner=owner)
            if (names := names_of(conversation)) is not None and names.app_name == app_name
        ]
        rows.sort(key=lambda item: (item[1].updated_at, item[0]))
        app = await self._states.app_state(app_name)
        users = {
            user: await self._states.user_state(app_name, user)
            for user in {names.user_id for names, _ in rows}
        }
        reads = asyncio.Semaphore(_READS)

        async def session(names: SessionNames, conversation: Conversation) -> Session:
            async with reads:
                own = await self._states.session_state(names, conversation)
            state = join(Scopes(app, users[names.user_id], own))
            return _session(names, conversation, state)

        sessions = await asyncio.gather(*(session(*item) for item in rows))
        return ListSessionsResponse(sessions=sessions)

    async def page_sessions(
        self, *, app_name: str, user_id: str, limit: int = 50, cursor: str | None = None
    ) -> SessionPage:
        """Return a page of a user's sessions, newest first, without events and states.

        A page costs the same however many sessions the user and others have.

        Args:
            app_name: The application.
            user_id: The user.
            limit: About how many sessions to return.
            cursor: The ``next_cursor`` of the page before.

        Raises:
            InvalidKeyError: A name is empty.
            InvalidArgumentError: ``cursor`` belongs to another list.

        """
        page = await self.store.async_list_conversations(
            owner=owner_of(app_name, user_id), limit=limit, cursor=cursor
        )
        sessions: list[Session] = [
            _session(names, conversation, {})
            for conversation in page.conversations
            if (names := names_of(conversation)) is not None
        ]
        return SessionPage(sessions, page.next_cursor)

    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Delete a session with its events and its own state, if it exists."""
        names = SessionNames(app_name, user_id, session_id.strip())
        conversation = await self.store.async_get_conversation(names.key) if all(names) else None
        if conversation is not None:
            await self.store.async_delete_messages(names.key)
            await self._states.delete(names.state_key(conversation))

    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        """Return the state that all sessions of a user share, without the prefix ``user:``."""
        return await self._states.user_state(app_name, user_id)

    async def append_event(self, session: Session, event: Event) -> Event:
        """Append an event to a session, and apply its changes of the state.

        An event that the session holds, by its id, is not appended again. Partial events are not
        stored. What begins with ``temp:`` changes the given session only.

        Raises:
            SessionNotFoundError: The session does not exist.
            StaleSessionError: ``writers`` is ``"one"``, and the session has newer events.
            MessageConflictError: The session has the event's id with other content.
            InvalidMessageError: JSON cannot hold the event.

        """
        if event.partial:
            return event
        names = SessionNames(session.app_name, session.user_id, session.id)
        [message] = to_messages([_without_temporary(event)])
        conversation = await self._append(names, message, newest_event_id(session))
        if state_delta_of(message):
            await self._states.settle(names, conversation)
        if all(known.id != event.id for known in session.events):
            event = await super().append_event(session, event)
        session.last_update_time = event.timestamp
        if isinstance(session, StoredSession):
            session.note_newest_event(event.id)
        return event

    async def _append(
        self, names: SessionNames, message: ChatMessage, seen: str | None
    ) -> Conversation:
        while True:  # ends: each repetition follows another writer's successful write
            newest = await self.store.async_snapshot(names.key, last=1)
            if newest.conversation is None:
                raise SessionNotFoundError(
                    f"there is no session with the id {names.session_id!r}: create it first"
                )
            stored = newest.messages[-1].id if newest.messages else None
            if self.writers == "one" and stored not in {seen, message.id}:
                raise StaleSessionError(
                    "the session was modified in storage since it was read: read it again with "
                    "get_session, or use writers='many'"
                )
            revision = newest.conversation.revision
            try:
                await self.store.async_add_message(names.key, message, expected_revision=revision)
            except RevisionConflictError:
                continue
            return newest.conversation


def _session(
    names: SessionNames, conversation: Conversation, state: dict[str, Any]
) -> StoredSession:
    return StoredSession(
        id=names.session_id,
        app_name=names.app_name,
        user_id=names.user_id,
        state=state,
        last_update_time=conversation.updated_at.timestamp(),
    )


def _without_temporary(event: Event) -> Event:
    """Return the event to store: what begins with ``temp:`` is left out."""
    delta = event.actions.state_delta
    lasting = {name: delta[name] for name in delta if not name.startswith(State.TEMP_PREFIX)}
    if len(lasting) == len(delta):
        return event
    actions = event.actions.model_copy(update={"state_delta": lasting})
    return event.model_copy(update={"actions": actions})
