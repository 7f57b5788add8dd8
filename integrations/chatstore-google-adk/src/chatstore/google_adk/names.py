"""The names of a session, and the keys that they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from chatstore.core import Conversation
from chatstore.core.keys import join_key

_SESSIONS, _STATES = "adk", "adk.state"
_METADATA = "google_adk"
_NONCE = "state"


def session_key(*, app_name: str, user_id: str, session_id: str) -> str:
    """Return the key of a session's conversation, for other frameworks that read it.

    Raises:
        InvalidKeyError: A name is empty or not Unicode.

    """
    return join_key(_SESSIONS, app_name, user_id, session_id)


def owner_of(app_name: str, user_id: str) -> str:
    """Return the owner of a user's conversations."""
    return join_key(app_name, user_id)


def app_state_key(app_name: str) -> str:
    """Return the key of the document with an application's state."""
    return join_key(_STATES, app_name)


def user_state_key(app_name: str, user_id: str) -> str:
    """Return the key of the document with a user's state."""
    return join_key(_STATES, app_name, user_id)


class SessionNames(NamedTuple):
    """What identifies a session."""

    app_name: str
    user_id: str
    session_id: str

    @property
    def key(self) -> str:
        """The key of the conversation."""
        return session_key(**self._asdict())

    def to_metadata(self, nonce: str) -> dict[str, Any]:
        """Return the metadata of the conversation: keys may hold digests instead of names.

        Args:
            nonce: Part of the key of the state's document. A session that is created again under
                the same id never sees the state of the session before, even if deleting that
                state failed.

        """
        return {_METADATA: {**self._asdict(), _NONCE: nonce}}

    def state_key(self, conversation: Conversation) -> str:
        """Return the key of the document with the session's state."""
        nonce = _metadata_of(conversation).get(_NONCE)
        return self.new_state_key(nonce if isinstance(nonce, str) and nonce else "0")

    def new_state_key(self, nonce: str) -> str:
        """Return the key of the document with the state of a session with this nonce."""
        return join_key(_STATES, *self, nonce)


def names_of(conversation: Conversation) -> SessionNames | None:
    """Return the names of a conversation's session; ``None`` if the service did not create it."""
    metadata = _metadata_of(conversation)
    try:
        return SessionNames(*(str(metadata[name]) for name in SessionNames._fields))
    except KeyError:
        return None


def _metadata_of(conversation: Conversation) -> Mapping[str, Any]:
    metadata = conversation.metadata.get(_METADATA)
    return metadata if isinstance(metadata, dict) else {}
