"""Chat history of Microsoft Agent Framework in any store."""

from chatstore.agent_framework.history import ChatStoreHistoryProvider
from chatstore.agent_framework.messages import to_agent_framework, to_messages
from chatstore.agent_framework.sending import sent_payload

__all__ = [
    "ChatStoreHistoryProvider",
    "sent_payload",
    "to_agent_framework",
    "to_messages",
]
