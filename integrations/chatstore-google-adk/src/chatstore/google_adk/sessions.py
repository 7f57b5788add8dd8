"""Sessions that know how far they have read, and pages of sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.adk.sessions.session import Session
from pydantic import PrivateAttr


class StoredSession(Session):
    """A session that knows the newest event of its conversation, even if it does not hold it."""

    _newest_event_id: str | None = PrivateAttr(default=None)

    @classmethod
    def read(cls, newest_event_id: str | None, **fields: Any) -> StoredSession:
        """Return a session with the fields of `Session`."""
        session = cls(**fields)
        session._newest_event_id = newest_event_id
        return session


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
        return session._newest_event_id
    return session.events[-1].id if session.events else None


def note_newest_event(session: Session, event_id: str) -> None:
    """Let a session know that an event is the newest."""
    if isinstance(session, StoredSession):
        session._newest_event_id = event_id
