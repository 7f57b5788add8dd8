"""Rounds of a conversation, the unit in which Haystack retrieves messages."""

from __future__ import annotations

from collections.abc import Iterable

from haystack.dataclasses import ChatMessage, ChatRole


def rounds(messages: Iterable[ChatMessage]) -> list[list[ChatMessage]]:
    """Return the messages in rounds, in their order.

    A round is all up to an answer: a text of the assistant that calls no tools. A system message
    between two rounds is one of its own. What has no answer yet is the last round.
    """
    found: list[list[ChatMessage]] = []
    begun: list[ChatMessage] = []
    for message in messages:
        apart = message.is_from(ChatRole.SYSTEM) and not begun
        begun.append(message)
        answer = message.is_from(ChatRole.ASSISTANT) and message.text and not message.tool_calls
        if apart or answer:
            found.append(begun)
            begun = []
    return [*found, begun] if begun else found
