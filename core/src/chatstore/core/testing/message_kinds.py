"""Tell apart questions, results, instructions and messages without content."""

from __future__ import annotations

from collections.abc import Sequence

from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.tool_calls import call_references, result_references

_MODELS = (MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL)
_INSTRUCTIONS = (MessageRole.SYSTEM, MessageRole.DEVELOPER)
_RESULT_BLOCKS = ("tool_result", "function_call_output")


def is_without_content(message: ChatMessage) -> bool:
    """Return whether a message is a model's and has no text, call, other block or field."""
    kwargs = message.additional_kwargs
    if message.role not in _MODELS or call_references(message) or any(kwargs.values()):
        return False
    if not isinstance(message.content, list):
        return not message.content
    return all(
        block.type == "thinking" or getattr(block, "text", None) == "" for block in message.content
    )


def has_only_results(message: ChatMessage) -> bool:
    """Return whether a message has results, and nothing besides."""
    return bool(result_references(message)) and not has_more_than_results(message)


def has_more_than_results(message: ChatMessage) -> bool:
    """Return whether a message contains something that is not a result."""
    if message.role in {MessageRole.TOOL, MessageRole.FUNCTION}:
        return False
    if not result_references(message) or not isinstance(message.content, list):
        return True
    return any(block.type not in _RESULT_BLOCKS for block in message.content)


def is_by_user(message: ChatMessage) -> bool:
    """Return whether the user wrote a message, or a part of it."""
    return message.role is MessageRole.USER and has_more_than_results(message)


def is_question(message: ChatMessage) -> bool:
    """Return whether a message is the user's and does not contain results."""
    return message.role is MessageRole.USER and not result_references(message)


def count_leading(messages: Sequence[ChatMessage]) -> int:
    """Return the number of system and developer messages at the beginning."""
    for index, message in enumerate(messages):
        if message.role not in _INSTRUCTIONS:
            return index
    return len(messages)
