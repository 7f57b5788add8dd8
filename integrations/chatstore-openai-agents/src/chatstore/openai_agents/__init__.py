"""Chat history for the OpenAI Agents SDK, on every store."""

from chatstore.openai_agents.items import to_items, to_messages
from chatstore.openai_agents.session import ChatStoreSession

__all__ = ["ChatStoreSession", "to_items", "to_messages"]
