"""Convert entries of transcripts to the fields that all frameworks share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chatstore.core import ChatMessage, from_anthropic
from chatstore.core.converters.originals import without_originals

_ROLES = ("user", "assistant")


def common_message(entry: Mapping[str, Any], message_id: str) -> ChatMessage:
    """Return the text, thinking, media, tool calls and results of an entry.

    An entry that is not a part of the conversation, such as a title, is an assistant's message
    without content: it is never sent to a model.

    Args:
        entry: The entry.
        message_id: The id of the message.

    Raises:
        ValueError: The conversation's part of the entry contains a lone surrogate.

    """
    if not _is_visible(entry):
        return ChatMessage(role="assistant", id=message_id)
    content = entry["message"]["content"]
    [converted] = from_anthropic([{"role": entry["type"], "content": content}])
    common = without_originals(converted)
    return common.model_copy(update={"id": message_id})


def without_surrogates(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with a replacement for each lone surrogate, which UTF-8 cannot encode."""
    text = json.dumps(entry, ensure_ascii=False)
    cleaned: dict[str, Any] = json.loads(text.encode("utf-8", "replace"))
    return cleaned


def _is_visible(entry: Mapping[str, Any]) -> bool:
    """Return whether the SDK shows an entry as a message of the conversation.

    The rule is that of ``claude_agent_sdk.get_session_messages``, except that subagents'
    transcripts, whose entries all are side chains, are conversations here.
    """
    message = entry.get("message")
    if entry.get("type") not in _ROLES or not isinstance(message, Mapping):
        return False
    if entry.get("isMeta") or entry.get("teamName"):
        return False
    return isinstance(message.get("content"), (str, list))
