"""Chat history for Pydantic AI, in any store."""

from chatstore.pydantic_ai.conversations import ChatStoreConversations
from chatstore.pydantic_ai.history import MessageHistory
from chatstore.pydantic_ai.messages import to_messages, to_model_messages
from chatstore.pydantic_ai.sending import sent_payload
from chatstore.pydantic_ai.window import HistoryWindow

__all__ = [
    "ChatStoreConversations",
    "HistoryWindow",
    "MessageHistory",
    "sent_payload",
    "to_messages",
    "to_model_messages",
]
