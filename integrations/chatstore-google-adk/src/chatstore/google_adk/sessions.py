"""Sessions that know how far they have read, and pages of sessions."""

from __future__ import annotations

from dataclasses import dataclass

from google.adk.sessions.session import Session
from pydantic import PrivateAttr


class StoredSession(Session):
    """A session that knows the newest event of its conversation, even if it does not hold it."""

    _newest_event_id: str | None = PrivateAttr(default=None)  # private: ADK shows fields to clients

    @property
    def newest_event_id(self) -> str | None:
        """The id of the newest event when the session was read, or appended to."""
        return self._newest_event_id

    def note_newest_event(self, event_id: str | None) -> None:
        """Remember the newest event."""
        self._newest_event_id = event_id


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A page of sessions.

    Attributes:
        sessions: The sessions, without events and state.
        next_cursor: The ``cursor`` of the next page; ``None``: this is the last one.

    """

    sessions: list[Session]
    next_cursor: str | None


def newest_event_id(session: Session) -> str | None:
    """Return the id of the newest event that a session knows."""
    if isinstance(session, StoredSession):
        return session.newest_event_id
    return session.events[-1].id if session.events else None
