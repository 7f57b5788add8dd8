"""Messages for the tests of windows, and a tokenizer that a reader can check."""

from __future__ import annotations

from typing import Any

from chatstore.core import ChatMessage


def words(text: str) -> list[str]:
    """Split a text: tokens that a reader can count."""
    return text.split()


def spoken(role: Any, number: int, **kwargs: Any) -> ChatMessage:
    """Make a message with an id."""
    return ChatMessage(
        role=role, content=f"message {number}", id=f"m{number}", additional_kwargs=kwargs
    )


def turns(count: int) -> list[ChatMessage]:
    """Make turns of a question and an answer."""
    return [spoken("assistant" if number % 2 else "user", number) for number in range(2 * count)]
