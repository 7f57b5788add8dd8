"""Checkpoints and stores of LangGraph in any store."""

from chatstore.langgraph.saver import ChatStoreSaver

__all__ = ["ChatStoreSaver"]
