"""The newest part of a conversation that fits a token limit and that a provider accepts."""

from chatstore.core.memory.buffer import ChatMemoryBuffer, TokenLimitWarning

__all__ = ["ChatMemoryBuffer", "TokenLimitWarning"]
