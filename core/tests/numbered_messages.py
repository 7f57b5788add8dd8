"""Numbered messages for the tests of buffers, and a tokenizer that a reader can check."""

from __future__ import annotations

from typing import Any

from chatstore.core import ChatMessage


def words(text: str) -> list[str]:
    """Return the words of a text: tokens that a reader can count."""
    return text.split()


def numbered(role: Any, number: int, **kwargs: Any) -> ChatMessage:
    """Return a message whose content and id contain a number."""
    return ChatMessage(
        role=role, content=f"message {number}", id=f"m{number}", additional_kwargs=kwargs
    )


def turns(count: int) -> list[ChatMessage]:
    """Return ``count`` turns of a question and an answer."""
    return [numbered("assistant" if number % 2 else "user", number) for number in range(2 * count)]
