"""Sessions of Strands Agents in any store."""

from chatstore.strands.messages import to_messages, to_strands
from chatstore.strands.repository import ChatStoreRepository
from chatstore.strands.session_manager import ChatStoreSessionManager
from chatstore.strands.storage import ChatStoreStorage

__all__ = [
    "ChatStoreRepository",
    "ChatStoreSessionManager",
    "ChatStoreStorage",
    "to_messages",
    "to_strands",
]
