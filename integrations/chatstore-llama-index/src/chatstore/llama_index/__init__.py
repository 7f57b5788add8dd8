"""Chat stores and memory for LlamaIndex, on every chatstore."""

from chatstore.llama_index.db_store import LlamaIndexDBChatStore
from chatstore.llama_index.memory import BufferMemory
from chatstore.llama_index.messages import to_llama_index, to_messages
from chatstore.llama_index.registry import register_store
from chatstore.llama_index.store import LlamaIndexChatStore, SharedConversationWarning
from chatstore.llama_index.windows import sent_payload

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
