"""Segments of Pydantic AI's messages: what a window keeps or leaves out as a whole.

One request may contain both tool results, which belong to the model's message before, and the
next prompt, which begins a turn; agents with a structured output make such requests. Therefore
each result is a segment, and so is a system prompt at the beginning of the history.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.messages import METADATA_KEY

if TYPE_CHECKING:
    from pydantic_ai.messages import RetryPromptPart


class Segment(NamedTuple):
    """Parts of a message.

    Attributes:
        message_index: The message's index in the list.
        parts: The indexes of the parts in the message.
        outline: A message without content that a window treats like the segment.

    """

    message_index: int
    parts: tuple[int, ...]
    outline: ChatMessage


def split(messages: Sequence[ModelMessage]) -> list[Segment]:
    """Return the segments of messages, in an order that a provider accepts."""
    segments: list[Segment] = []
    for index, message in enumerate(messages):
        if isinstance(message, ModelResponse):
            pieces = [_response(message)]
        else:
            pieces = _request(message, is_first=index == 0)
        own = _summary_metadata(message)
        for parts, role, kwargs in pieces:
            outline = ChatMessage(role=role, additional_kwargs=kwargs, metadata=own)
            segments.append(Segment(index, parts, outline))
    return segments


def _summary_metadata(message: ModelMessage) -> dict[str, Any]:
    """Return the store's metadata of a summary, by which a window knows it."""
    metadata = (message.metadata or {}).get(METADATA_KEY)
    return metadata if isinstance(metadata, dict) and len(message.parts) == 1 else {}


def join(messages: Sequence[ModelMessage], segments: Sequence[Segment]) -> list[ModelMessage]:
    """Return the messages with the parts of the segments; complete messages are not copied."""
    joined: list[ModelMessage] = []
    start = 0
    for end in range(1, len(segments) + 1):
        if end < len(segments) and segments[end].message_index == segments[start].message_index:
            continue
        message = messages[segments[start].message_index]
        parts = sorted(part for segment in segments[start:end] for part in segment.parts)
        if isinstance(message, ModelRequest) and len(parts) < len(message.parts):
            message = dataclasses.replace(message, parts=[message.parts[part] for part in parts])
        joined.append(message)
        start = end
    return joined


_Piece = tuple[tuple[int, ...], MessageRole, dict[str, Any]]


def _response(response: ModelResponse) -> _Piece:
    calls = [
        {"id": part.tool_call_id, "type": "function", "function": {"name": part.tool_name}}
        for part in response.parts
        if isinstance(part, ToolCallPart)
    ]
    kwargs = {"tool_calls": calls} if calls else {}
    return tuple(range(len(response.parts))), MessageRole.ASSISTANT, kwargs


def _request(request: ModelRequest, *, is_first: bool) -> list[_Piece]:
    pieces: list[_Piece] = []
    prompts: list[int] = []
    rest: list[int] = []
    for index, part in enumerate(request.parts):
        if isinstance(part, ToolReturnPart) or _is_retry_of_tool(part):
            kwargs = {"tool_call_id": part.tool_call_id, "name": part.tool_name}
            pieces.append(((index,), MessageRole.TOOL, kwargs))
        elif is_first and isinstance(part, SystemPromptPart):
            prompts.append(index)
        else:
            rest.append(index)
    if prompts:
        pieces.insert(0, (tuple(prompts), MessageRole.SYSTEM, {}))
    if rest or not pieces:
        pieces.append((tuple(rest), _role(request, rest), {}))
    return pieces


def _is_retry_of_tool(part: Any) -> TypeGuard[RetryPromptPart]:
    """Return whether a retry prompt answers a call; the class is deprecated, and using it warns."""
    return part.part_kind == "retry-prompt" and part.tool_name is not None


def _role(request: ModelRequest, indexes: Sequence[int]) -> MessageRole:
    """Return the role of a segment: only a user's begins a turn."""
    parts = [request.parts[index] for index in indexes]
    if parts and all(isinstance(part, SystemPromptPart) for part in parts):
        return MessageRole.SYSTEM
    if any(isinstance(part, UserPromptPart) or part.part_kind == "speech" for part in parts):
        return MessageRole.USER
    return MessageRole.ASSISTANT  # feedback on the model's answer, within a turn
