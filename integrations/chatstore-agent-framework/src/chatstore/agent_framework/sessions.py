"""``ChatStoreSessionStore``: snapshots of agents' sessions in any store.

The framework's ``SessionStore`` is experimental: importing this module shows its warning.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent_framework import AgentSession, SessionStore

from chatstore.agent_framework.named_documents import NamedDocuments
from chatstore.core import ChatStore, CorruptStoreError, InvalidArgumentError

_ADVICE = (
    "JSON cannot hold the session's state; register the types in it with "
    "agent_framework.register_state_type"
)


class ChatStoreSessionStore(SessionStore):
    """Keeps a document for each session: its ids and its state.

    The messages are not a part of it if a `ChatStoreHistoryProvider` keeps them. If several clients
    set a session, the last one wins. Methods also raise what the store's methods raise.
    """

    def __init__(self, store: ChatStore) -> None:
        """Create a session store; nothing is read yet.

        Args:
            store: Where sessions are kept; it is not closed here.

        Raises:
            InvalidArgumentError: ``store`` is not a `ChatStore`.

        """
        super().__init__()
        self._documents = NamedDocuments(store, "session")

    async def get(self, session_id: str) -> AgentSession | None:
        """Return a copy of a session; ``None`` if there is none.

        Raises:
            ValueError: ``session_id`` is empty.
            CorruptStoreError: The state cannot be read; a registered type refuses it.

        """
        self.validate_session_id(session_id)
        fields = await self._documents.get(self._documents.key_for(session_id))
        if fields is None:
            return None
        try:
            return AgentSession.from_dict(fields)
        except (ValueError, TypeError, KeyError) as error:
            raise CorruptStoreError(
                "the state of a stored session cannot be read: does a registered type refuse it?"
            ) from error

    async def set(self, session_id: str, session: AgentSession) -> None:
        """Store a session; it replaces the one with the same id.

        Raises:
            ValueError: ``session_id`` is empty.
            InvalidArgumentError: ``session`` is not an ``AgentSession``, or of a subclass, whose
                fields would be lost.
            InvalidMessageError: JSON cannot hold the session's state.

        """
        self.validate_session_id(session_id)
        if type(session) is not AgentSession:
            raise InvalidArgumentError(
                f"a session must be an agent_framework.AgentSession, not {type(session).__name__}"
            )
        fields = session.to_dict()
        if isinstance(fields["service_session_id"], Mapping):
            fields["service_session_id"] = dict(fields["service_session_id"])
        await self._documents.put(self._documents.key_for(session_id), fields, advice=_ADVICE)

    async def delete(self, session_id: str) -> None:
        """Delete a session, if there is one; its messages stay.

        Raises:
            ValueError: ``session_id`` is empty.

        """
        self.validate_session_id(session_id)
        await self._documents.delete(self._documents.key_for(session_id))
