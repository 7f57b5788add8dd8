"""Chat history for LlamaIndex's agents and chat engines, in any store."""

from chatstore.llama_index.buffer_memory import BufferMemory
from chatstore.llama_index.chat_store import LlamaIndexChatStore, SharedConversationWarning
from chatstore.llama_index.db_chat_store import LlamaIndexDBChatStore
from chatstore.llama_index.messages import to_llama_index, to_messages
from chatstore.llama_index.registry import register_store
from chatstore.llama_index.sending import sent_payload

__all__ = [
    "BufferMemory",
    "LlamaIndexChatStore",
    "LlamaIndexDBChatStore",
    "SharedConversationWarning",
    "register_store",
    "sent_payload",
    "to_llama_index",
    "to_messages",
]
