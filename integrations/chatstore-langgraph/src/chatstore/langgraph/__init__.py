"""Checkpoints and long-term memory of LangGraph in any store."""

from chatstore.langgraph.memory import ChatStoreMemory
from chatstore.langgraph.saver import ChatStoreSaver

__all__ = ["ChatStoreMemory", "ChatStoreSaver"]
