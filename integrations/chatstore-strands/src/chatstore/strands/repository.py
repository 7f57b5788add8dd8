"""``ChatStoreRepository``: any store as Strands' ``SessionRepository``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from strands.session.session_repository import SessionRepository
from strands.types.exceptions import SessionException
from strands.types.session import (
    Session,
    SessionAgent,
    SessionMessage,
    SessionType,
    decode_bytes_values,
    encode_bytes_values,
)
from typing_extensions import Self

from chatstore.core import ChatStore, ConversationExistsError, MessageConflictError, open_store
from chatstore.core.checks import check_owner
from chatstore.strands.documents import (
    Fields,
    change_document,
    create_document,
    read_document,
    replace_document,
)
from chatstore.strands.ids import (
    DEFAULT_AGENT,
    agent_key,
    conversation_key,
    multi_agent_key,
    session_key,
    stored_id,
)
from chatstore.strands.numbered import is_repetition, to_session, to_stored
from chatstore.strands.reading import read_numbered

if TYPE_CHECKING:
    from strands.multiagent import MultiAgentBase


@dataclass
class FoundSession(Session):
    """A session that has a conversation, but was not created with Strands."""


class ChatStoreRepository(SessionRepository):
    """Keeps the sessions of Strands in a store.

    The messages of an agent are one conversation. Its key is the session's id if the agent has no
    id of its own, otherwise both ids, joined by `chatstore.core.keys.join_key`. The states of
    sessions, agents, graphs and swarms are documents beside it, whose keys begin with
    ``strands/``. Methods also raise what the store's methods raise.
    """

    def __init__(
        self,
        store: ChatStore | str,
        *,
        owner: str | None = None,
        key_fn: Callable[[str, str], str] = conversation_key,
    ) -> None:
        """Use a store, or open one; nothing is read yet.

        Args:
            store: A store, which is never closed, or the URL of one, as for ``open_store``.
            owner: Whose conversations these are; they are in the owner's list.
            key_fn: Returns the key of the conversation of a session and an agent, to continue
                conversations that have keys of their own. Different agents need different keys.

        Raises:
            UnknownSchemeError: No installed distribution has the URL's scheme.
            InvalidArgumentError: ``owner`` does not have 1 to 255 bytes in UTF-8.

        """
        self.owner = None if owner is None else check_owner(owner)
        self.key_for = key_fn
        self._is_own = not isinstance(store, ChatStore)
        self.store = store if isinstance(store, ChatStore) else open_store(store)

    def close(self) -> None:
        """Close the store if it was opened by URL; every later call raises `StoreClosedError`."""
        if self._is_own:
            self.store.close()

    def __enter__(self) -> Self:
        """Return the repository, which is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the repository."""
        self.close()

    # ------------------------------------------------------------------ sessions

    def create_session(self, session: Session, **_: Any) -> Session:
        """Create a session, and return it.

        Raises:
            SessionException: There is another session with this id.

        """
        if not create_document(
            self.store, session_key(session.session_id), _session_fields(session)
        ):
            raise SessionException(f"the session {session.session_id!r} exists already")
        return session

    def read_session(self, session_id: str, **_: Any) -> Session | None:
        """Return a session, ``None`` if it is missing.

        A conversation that another framework began under the session's id is a `FoundSession`.
        """
        fields = read_document(self.store, session_key(session_id))
        if fields is not None:
            kind = SessionType(fields["session"]["session_type"])
            return Session.from_dict({**fields["session"], "session_type": kind})
        record = self.store.get_conversation(self.key_for(session_id, DEFAULT_AGENT))
        if record is None or record.length == 0:
            return None
        created, updated = record.created_at.isoformat(), record.updated_at.isoformat()
        return FoundSession(session_id, SessionType.AGENT, created, updated)

    def delete_session(self, session_id: str, **_: Any) -> None:
        """Delete a session with all its agents, messages, graphs and swarms.

        Raises:
            SessionException: There is no such session.

        """
        if self.read_session(session_id) is None:
            raise SessionException(f"the session {session_id!r} does not exist")
        fields = read_document(self.store, session_key(session_id)) or {}
        keys = [self.key_for(session_id, DEFAULT_AGENT)]
        for agent_id in fields.get("agents", ()):
            keys += [self.key_for(session_id, agent_id), agent_key(session_id, agent_id)]
        keys += [multi_agent_key(session_id, name) for name in fields.get("multi_agents", ())]
        # The session's document is the last one: it names what an interrupted call left behind.
        for key in (*keys, session_key(session_id)):
            self.store.delete_messages(key)

    def register(self, session_id: str, kind: Literal["agents", "multi_agents"], name: str) -> None:
        """Note that a session has an agent, graph or swarm, so that `delete_session` deletes it."""

        def change(before: Fields | None) -> Fields | None:
            fields = before or _session_fields(Session(session_id, SessionType.AGENT))
            if name in fields[kind]:
                return None
            return {**fields, kind: [*fields[kind], name]}

        change_document(self.store, session_key(session_id), change)

    # ------------------------------------------------------------------ agents

    def create_agent(self, session_id: str, session_agent: SessionAgent, **_: Any) -> None:
        """Create an agent, or replace its state; its messages stay.

        The conversation gets the owner, and the ids as ``metadata["strands"]``.
        """
        agent_id = session_agent.agent_id
        self.register(session_id, "agents", agent_id)
        with suppress(ConversationExistsError):
            self.store.create_conversation(
                self.key_for(session_id, agent_id),
                owner=self.owner,
                metadata={"strands": {"session_id": session_id, "agent_id": agent_id}},
            )
        replace_document(self.store, agent_key(session_id, agent_id), session_agent.to_dict())

    def read_agent(self, session_id: str, agent_id: str, **_: Any) -> SessionAgent | None:
        """Return an agent, ``None`` if it is missing."""
        fields = read_document(self.store, agent_key(session_id, agent_id))
        return None if fields is None else SessionAgent.from_dict(fields)

    def update_agent(self, session_id: str, session_agent: SessionAgent, **_: Any) -> None:
        """Replace an agent's state; the time of its creation stays.

        If the state has expired, but not the agent's messages, it is written again.

        Raises:
            SessionException: There is no such agent.

        """
        agent_id, fields = session_agent.agent_id, session_agent.to_dict()

        def change(before: Fields | None) -> Fields:
            if before is not None:
                return {**fields, "created_at": before["created_at"]}
            if not self.store.count_messages(self.key_for(session_id, agent_id)):
                raise SessionException(f"the session {session_id!r} has no agent {agent_id!r}")
            return fields

        change_document(self.store, agent_key(session_id, agent_id), change)

    # ------------------------------------------------------------------ messages

    def create_message(
        self, session_id: str, agent_id: str, session_message: SessionMessage, **_: Any
    ) -> None:
        """Append a message; one that was appended already is not appended again.

        Raises:
            SessionException: There is another message with this number: another process continued
                the session.
            InvalidMessageError: JSON cannot hold the message.

        """
        key, message = self.key_for(session_id, agent_id), to_stored(session_message)
        try:
            self.store.add_message(key, message)
        except MessageConflictError as error:
            existing = self.store.get_message(key, stored_id(session_message.message_id))
            if existing is not None and is_repetition(session_message, existing):
                return
            raise SessionException(
                f"the session {session_id!r} has another message {session_message.message_id}: "
                "another process continued it; create the agent again to read it"
            ) from error

    def read_message(
        self, session_id: str, agent_id: str, message_id: int, **_: Any
    ) -> SessionMessage | None:
        """Return the message with a number, ``None`` if it is missing."""
        key = self.key_for(session_id, agent_id)
        own = self.store.get_message(key, stored_id(message_id))
        messages = to_session([own] if own else []) or read_numbered(self.store, key, message_id, 1)
        return messages[0] if messages else None

    def update_message(
        self, session_id: str, agent_id: str, session_message: SessionMessage, **_: Any
    ) -> None:
        """Replace a message, such as by a redacted one; the time of its creation stays.

        Raises:
            SessionException: There is no such message, or another framework wrote it.
            InvalidMessageError: JSON cannot hold the message.

        """
        key, number = self.key_for(session_id, agent_id), session_message.message_id
        existing = self.store.get_message(key, stored_id(number))
        if existing is None:
            raise SessionException(f"the session {session_id!r} has no message {number} of Strands")
        for before in to_session([existing]):
            session_message.created_at = before.created_at
        message = to_stored(session_message)
        message.metadata = existing.metadata
        self.store.put_message(key, message)

    def list_messages(
        self,
        session_id: str,
        agent_id: str,
        limit: int | None = None,
        offset: int = 0,
        **_: Any,
    ) -> list[SessionMessage]:
        """Return an agent's messages, oldest first.

        Args:
            session_id: The session.
            agent_id: The agent.
            limit: The most messages; ``None``: all.
            offset: How many of the oldest messages are left out; they are not read.

        """
        return read_numbered(self.store, self.key_for(session_id, agent_id), offset, limit)

    # ------------------------------------------------------------------ graphs and swarms

    def create_multi_agent(self, session_id: str, multi_agent: MultiAgentBase, **_: Any) -> None:
        """Save the state of a graph or swarm."""
        self.register(session_id, "multi_agents", multi_agent.id)
        self._save_multi_agent(session_id, multi_agent)

    def read_multi_agent(
        self, session_id: str, multi_agent_id: str, **_: Any
    ) -> dict[str, Any] | None:
        """Return the state of a graph or swarm, ``None`` if it is missing."""
        fields = read_document(self.store, multi_agent_key(session_id, multi_agent_id))
        state: dict[str, Any] | None = decode_bytes_values(fields)
        return state

    def update_multi_agent(self, session_id: str, multi_agent: MultiAgentBase, **_: Any) -> None:
        """Replace the state of a graph or swarm.

        Raises:
            SessionException: There is no such graph or swarm.

        """
        if read_document(self.store, multi_agent_key(session_id, multi_agent.id)) is None:
            raise SessionException(
                f"the session {session_id!r} has no graph or swarm {multi_agent.id!r}"
            )
        self._save_multi_agent(session_id, multi_agent)

    def _save_multi_agent(self, session_id: str, multi_agent: MultiAgentBase) -> None:
        state = encode_bytes_values(multi_agent.serialize_state())
        replace_document(self.store, multi_agent_key(session_id, multi_agent.id), state)


def _session_fields(session: Session) -> Fields:
    kind = SessionType(session.session_type).value
    return {
        "session": {**session.to_dict(), "session_type": kind},
        "agents": [],
        "multi_agents": [],
    }
