"""Chat stores and memory for LlamaIndex, on every chatstore."""

from chatstore.llama_index.db_store import LlamaIndexDBChatStore
from chatstore.llama_index.memory import BufferMemory
from chatstore.llama_index.messages import to_llama_index, to_messages
from chatstore.llama_index.store import LlamaIndexChatStore

__all__ = [
    "BufferMemory",
    "LlamaIndexChatStore",
    "LlamaIndexDBChatStore",
    "to_llama_index",
    "to_messages",
]
