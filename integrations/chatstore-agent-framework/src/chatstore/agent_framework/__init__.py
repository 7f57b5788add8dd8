"""Chat history, sessions and checkpoints of Microsoft Agent Framework in any store."""

from typing import TYPE_CHECKING, Any

from chatstore.agent_framework.checkpoints import ChatStoreCheckpointStorage
from chatstore.agent_framework.history import ChatStoreHistoryProvider
from chatstore.agent_framework.messages import to_agent_framework, to_messages
from chatstore.agent_framework.sending import sent_payload
from chatstore.agent_framework.snapshots import ChatStoreSnapshotStore

if TYPE_CHECKING:
    from chatstore.agent_framework.sessions import ChatStoreSessionStore

__all__ = [
    "ChatStoreCheckpointStorage",
    "ChatStoreHistoryProvider",
    "ChatStoreSessionStore",
    "ChatStoreSnapshotStore",
    "sent_payload",
    "to_agent_framework",
    "to_messages",
]


def __getattr__(name: str) -> Any:
    """Load the session store when it is used: the framework warns that its base is experimental."""
    if name == "ChatStoreSessionStore":
        from chatstore.agent_framework.sessions import ChatStoreSessionStore

        return ChatStoreSessionStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
