"""Make content of Strands' messages of the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from strands.types.content import ContentBlock, ReasoningTextBlock, Role
from strands.types.tools import ToolResultContent, ToolUse

from chatstore.core import ChatMessage, MessageRole
from chatstore.core import ContentBlock as StoredBlock
from chatstore.core.contents import BlockFields
from chatstore.core.converters.content import common_blocks
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import (
    MODEL_ROLES,
    arguments_object,
    calls_of,
    is_empty_answer,
    results_of,
)
from chatstore.strands.media import MEDIA, media_content

_SYSTEM_ROLES = (MessageRole.SYSTEM, MessageRole.DEVELOPER)
_IN_RESULTS = ("text", "image", "video", "document")


def role_of(message: ChatMessage) -> Role:
    """Return the role that a message has in Strands, where tools' results are the user's."""
    return "assistant" if message.role in MODEL_ROLES else "user"


def content_of(message: ChatMessage, index: int, ids: CallIds) -> list[ContentBlock]:
    """Return the content to send; an empty list if there is nothing.

    Args:
        message: A message of any framework.
        index: Its index in the conversation.
        ids: The ids of the conversation's calls.

    """
    if message.role in _SYSTEM_ROLES:
        return []  # in Strands the system prompt belongs to the agent
    if message.role in MODEL_ROLES:
        return [] if is_empty_answer(message) else list(_answer(message, index, ids))
    content = list(_results(message, index, ids))
    if message.role is MessageRole.USER:
        content += _blocks(message.content, {"text", *MEDIA})
    return content


def _answer(message: ChatMessage, index: int, ids: CallIds) -> Iterator[ContentBlock]:
    yield from _blocks(message.content, {"text", "thinking"})
    refusal = message.additional_kwargs.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        yield {"text": refusal}
    for number, call in enumerate(calls_of(message)):
        use: ToolUse = {
            "toolUseId": ids.calls[index, number],
            "name": call.name,
            "input": arguments_object(call.arguments),
        }
        yield {"toolUse": use}


def _results(message: ChatMessage, index: int, ids: CallIds) -> Iterator[ContentBlock]:
    for number, result in enumerate(results_of(message)):
        yield {
            "toolResult": {
                "toolUseId": ids.results.get((index, number), result.id),
                "status": "error" if result.is_error else "success",
                "content": _result(result.content),
            }
        }


def _result(content: str | list[StoredBlock]) -> list[ToolResultContent]:
    if isinstance(content, str):
        return [{"text": content}]
    parts: list[Any] = list(_blocks(content, _IN_RESULTS))
    return parts or [{"text": ""}]


def _blocks(
    content: str | Iterable[StoredBlock] | None, accepted: Iterable[str]
) -> Iterator[ContentBlock]:
    for block in common_blocks(content):
        converted = _block(block) if block["type"] in accepted else None
        if converted is not None:
            yield converted


def _block(block: BlockFields) -> ContentBlock | None:
    if block["type"] == "text":
        # Bedrock refuses blank text.
        return {"text": block["text"]} if block["text"].strip() else None
    if block["type"] == "thinking":
        signature = block.get("signature")
        # Models refuse reasoning without the signature of their provider.
        if not signature:
            return None
        reasoning: ReasoningTextBlock = {"text": block["thinking"], "signature": signature}
        return {"reasoningContent": {"reasoningText": reasoning}}
    return media_content(block)
