"""Sessions of the Claude Agent SDK in any store."""

from chatstore.claude_agent_sdk.entries import to_entries, to_messages
from chatstore.claude_agent_sdk.keys import conversation_key
from chatstore.claude_agent_sdk.store import ChatStoreSessions

__all__ = ["ChatStoreSessions", "conversation_key", "to_entries", "to_messages"]
