"""Summaries: messages that stand for older messages in windows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from chatstore.core.errors import InvalidMessageError
from chatstore.core.foreign import describe_message
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.tool_calls import call_references, result_references

SUMMARY_OF = "summary_of"
"""The name in a summary's metadata whose value holds the ids of the messages that it covers."""

INTRODUCTION = "Summary of the conversation so far:"
"""The first line of a summary that was given as text."""

_FIRST, _LAST = "first", "last"
_ROLES = {MessageRole.USER, MessageRole.SYSTEM, MessageRole.DEVELOPER}


def covered_by(message: ChatMessage) -> tuple[str, str] | None:
    """Return the ids of the first and the last message that a summary covers.

    ``None``: the message is not a summary.
    """
    ids = message.metadata.get(SUMMARY_OF) if message.metadata else None
    if not isinstance(ids, dict):
        return None
    first, last = ids.get(_FIRST), ids.get(_LAST)
    return (first, last) if isinstance(first, str) and isinstance(last, str) else None


def is_summary(message: ChatMessage) -> bool:
    """Return whether a message is a summary of older ones."""
    return covered_by(message) is not None


def without_summaries(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Return the messages that are not summaries."""
    return [message for message in messages if not is_summary(message)]


def make_summary(made: object, first: str, last: str) -> ChatMessage:
    """Return what ``summarize`` returned as the summary of a range of messages.

    Its id depends on the range alone, so that a range has one summary.

    Raises:
        InvalidMessageError: It is neither text nor a message, is empty, or has calls or results.

    """
    digest = hashlib.blake2b(json.dumps([first, last]).encode(), digest_size=16).hexdigest()
    message = _message(made)
    metadata = {**message.metadata, SUMMARY_OF: {_FIRST: first, _LAST: last}}
    return message.model_copy(update={"id": f"summary-{digest}", "metadata": metadata})


def _message(made: object) -> ChatMessage:
    if isinstance(made, ChatMessage):
        if call_references(made) or result_references(made):
            raise InvalidMessageError("a summary cannot have tool calls or their results")
        if made.role in _ROLES and made.content:
            return made
        made = made.text  # a model's answer
    if not isinstance(made, str):
        raise InvalidMessageError(
            f"summarize must return text or a ChatMessage, not {describe_message(made)}"
        )
    if not made.strip():
        raise InvalidMessageError("summarize returned a summary without text")
    return ChatMessage(role=MessageRole.USER, content=f"{INTRODUCTION}\n{made}")
