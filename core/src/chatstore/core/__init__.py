"""Chat history of LLM applications: the interface, the message model and the memory buffer."""

from typing import Any

from chatstore.core.blocks import (
    AudioBlock,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from chatstore.core.conversations import (
    Conversation,
    ConversationPage,
    MessagePage,
    Snapshot,
)
from chatstore.core.errors import (
    ChatStoreError,
    ConversationChangedError,
    ConversationExistsError,
    ConversationNotFoundError,
    CorruptMessageError,
    CorruptStoreError,
    DriverError,
    InvalidArgumentError,
    InvalidKeyError,
    InvalidMessageError,
    MessageConflictError,
    MessageNotFoundError,
    MessageTooLargeError,
    OutcomeUnknownError,
    RevisionConflictError,
    SchemaVersionError,
    StoreAccessError,
    StoreClosedError,
    StoreFullError,
    StoreSetupError,
    StoreUnavailableError,
    UnknownSchemeError,
)
from chatstore.core.memory import ChatMemoryBuffer, TokenLimitWarning
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.openai_format import from_openai, to_openai
from chatstore.core.simple import SimpleChatStore
from chatstore.core.store import ChatStore
from chatstore.core.tokens import TokenCounter, TokenEstimateWarning
from chatstore.core.unchanged import UNCHANGED
from chatstore.core.urls import open_store

__all__ = [
    "UNCHANGED",
    "AudioBlock",
    "ChatMemoryBuffer",
    "ChatMessage",
    "ChatStore",
    "ChatStoreError",
    "ContentBlock",
    "Conversation",
    "ConversationChangedError",
    "ConversationExistsError",
    "ConversationNotFoundError",
    "ConversationPage",
    "CorruptMessageError",
    "CorruptStoreError",
    "DocumentBlock",
    "DriverError",
    "ImageBlock",
    "InvalidArgumentError",
    "InvalidKeyError",
    "InvalidMessageError",
    "MessageConflictError",
    "MessageNotFoundError",
    "MessagePage",
    "MessageRole",
    "MessageTooLargeError",
    "OutcomeUnknownError",
    "RevisionConflictError",
    "SchemaVersionError",
    "SimpleChatStore",
    "Snapshot",
    "StoreAccessError",
    "StoreClosedError",
    "StoreFullError",
    "StoreSetupError",
    "StoreUnavailableError",
    "TextBlock",
    "ThinkingBlock",
    "TokenCounter",
    "TokenEstimateWarning",
    "TokenLimitWarning",
    "ToolCallBlock",
    "UnknownSchemeError",
    "VideoBlock",
    "from_openai",
    "open_store",
    "to_openai",
]


def __getattr__(name: str) -> Any:
    """Read ``__version__`` when it is used: reading metadata takes time."""
    if name == "__version__":
        from importlib.metadata import version

        return version("chatstore-core")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
