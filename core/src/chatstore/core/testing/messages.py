"""Short helpers for tests: make a user's message, and read the contents of messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatstore.core import ChatMessage, MessageRole


def message(content: str | None, **fields: Any) -> ChatMessage:
    """Return a user's message."""
    return ChatMessage(role=MessageRole.USER, content=content, **fields)


def contents(messages: Iterable[ChatMessage]) -> list[Any]:
    """Return the content of each message."""
    return [message.content for message in messages]
