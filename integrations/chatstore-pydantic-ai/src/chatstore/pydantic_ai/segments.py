"""Pydantic AI's messages in segments: what a window keeps or leaves out as a whole.

One request may hold the results of tools, which belong to the model's message before, and the
next prompt, which begins a turn: an agent with a structured output makes such requests. Results
are segments of their own, therefore, and so is the system prompt that comes first.
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

if TYPE_CHECKING:
    from pydantic_ai.messages import RetryPromptPart


class Segment(NamedTuple):
    """Some parts of a message.

    Attributes:
        place: The message's place among all.
        parts: The places of the parts in the message.
        message: What stands for the segment in a window; its id is the segment's place.

    """

    place: int
    parts: tuple[int, ...]
    message: ChatMessage


def split(messages: Sequence[ModelMessage]) -> list[Segment]:
    """Return the segments of messages, in an order that a provider accepts."""
    segments: list[Segment] = []
    for place, message in enumerate(messages):
        if isinstance(message, ModelResponse):
            pieces = [_response(message)]
        else:
            pieces = _request(message, is_first=place == 0)
        for parts, role, kwargs in pieces:
            identity = str(len(segments))
            common = ChatMessage(role=role, additional_kwargs=kwargs, id=identity)
            segments.append(Segment(place, parts, common))
    return segments


def join(messages: Sequence[ModelMessage], segments: Sequence[Segment]) -> list[ModelMessage]:
    """Return messages with the parts of the segments; a message that is whole is itself."""
    joined: list[ModelMessage] = []
    start = 0
    for end in range(1, len(segments) + 1):
        if end < len(segments) and segments[end].place == segments[start].place:
            continue
        message = messages[segments[start].place]
        kept = sorted(part for segment in segments[start:end] for part in segment.parts)
        if isinstance(message, ModelRequest) and len(kept) < len(message.parts):
            message = dataclasses.replace(message, parts=[message.parts[part] for part in kept])
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
    for place, part in enumerate(request.parts):
        if isinstance(part, ToolReturnPart) or _is_retry_of_tool(part):
            kwargs = {"tool_call_id": part.tool_call_id, "name": part.tool_name}
            pieces.append(((place,), MessageRole.TOOL, kwargs))
        elif is_first and isinstance(part, SystemPromptPart):
            prompts.append(place)
        else:
            rest.append(place)
    if prompts:
        pieces.insert(0, (tuple(prompts), MessageRole.SYSTEM, {}))
    if rest or not pieces:
        pieces.append((tuple(rest), _role(request, rest), {}))
    return pieces


def _is_retry_of_tool(part: Any) -> TypeGuard[RetryPromptPart]:
    """Tell whether a part of the deprecated kind answers a call; the class itself warns."""
    return part.part_kind == "retry-prompt" and part.tool_name is not None


def _role(request: ModelRequest, places: Sequence[int]) -> MessageRole:
    """Return a role that makes a turn begin, or not."""
    parts = [request.parts[place] for place in places]
    if parts and all(isinstance(part, SystemPromptPart) for part in parts):
        return MessageRole.SYSTEM
    if any(isinstance(part, UserPromptPart) or part.part_kind == "speech" for part in parts):
        return MessageRole.USER
    return MessageRole.ASSISTANT  # feedback on the model's answer: in the middle of a turn
