"""Chat history of LLM applications: the interface, the message model and the memory buffer."""

from typing import TYPE_CHECKING, Any

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
from chatstore.core.converters.openai import from_openai, to_openai
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
from chatstore.core.simple import SimpleChatStore
from chatstore.core.store import ChatStore
from chatstore.core.tokens import TokenCounter, TokenEstimateWarning
from chatstore.core.unchanged import UNCHANGED
from chatstore.core.urls import open_store

if TYPE_CHECKING:
    from chatstore.core.converters.agui import from_agui, to_agui
    from chatstore.core.converters.anthropic import from_anthropic, to_anthropic
    from chatstore.core.converters.gemini import from_gemini, to_gemini
    from chatstore.core.converters.responses import from_responses, to_responses
    from chatstore.core.converters.ui_messages import from_ui_messages, to_ui_messages

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
    "from_agui",
    "from_anthropic",
    "from_gemini",
    "from_openai",
    "from_responses",
    "from_ui_messages",
    "open_store",
    "to_agui",
    "to_anthropic",
    "to_gemini",
    "to_openai",
    "to_responses",
    "to_ui_messages",
]

_CONVERTERS = {"agui", "anthropic", "gemini", "responses", "ui_messages"}


def __getattr__(name: str) -> Any:
    """Load converters and read ``__version__`` when they are used: both take time."""
    direction, _, module = name.partition("_")
    if direction in {"from", "to"} and module in _CONVERTERS:
        from importlib import import_module

        return getattr(import_module(f"chatstore.core.converters.{module}"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("chatstore-core")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
