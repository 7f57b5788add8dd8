"""Chat history for the OpenAI Agents SDK, in any store."""

from chatstore.openai_agents.items import to_items, to_messages
from chatstore.openai_agents.sending import sent_payload
from chatstore.openai_agents.session import ChatStoreSession
from chatstore.openai_agents.window import InputWindow

__all__ = ["ChatStoreSession", "InputWindow", "sent_payload", "to_items", "to_messages"]
