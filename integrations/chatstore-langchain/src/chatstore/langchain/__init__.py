"""Chat history for LangChain's chains and agents, in any store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatstore.langchain.history import ChatStoreMessageHistory
from chatstore.langchain.messages import to_langchain, to_messages
from chatstore.langchain.sending import sent_payload

if TYPE_CHECKING:
    from chatstore.langchain.middleware import ChatHistoryMiddleware

__all__ = [
    "ChatHistoryMiddleware",
    "ChatStoreMessageHistory",
    "sent_payload",
    "to_langchain",
    "to_messages",
]


def __getattr__(name: str) -> Any:
    """Import the middleware at its first use: it needs LangChain's agents, an extra."""
    if name == "ChatHistoryMiddleware":
        try:
            import langchain.agents.middleware  # noqa: F401 - checks that it is installed
        except ImportError as error:
            raise ImportError(
                "ChatHistoryMiddleware needs LangChain's agents: "
                "pip install 'chatstore-langchain[agents]'"
            ) from error
        from chatstore.langchain.middleware import ChatHistoryMiddleware

        return ChatHistoryMiddleware
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
