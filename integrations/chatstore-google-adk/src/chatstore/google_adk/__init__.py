"""Sessions of Google's Agent Development Kit, in any store."""

from chatstore.google_adk.events import to_events, to_messages
from chatstore.google_adk.names import session_key
from chatstore.google_adk.service import ChatStoreSessionService
from chatstore.google_adk.sessions import SessionPage
from chatstore.google_adk.uris import open_session_service

__all__ = [
    "ChatStoreSessionService",
    "SessionPage",
    "open_session_service",
    "session_key",
    "to_events",
    "to_messages",
]
