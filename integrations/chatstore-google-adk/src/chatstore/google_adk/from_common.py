"""Make contents of Gemini of the fields that all frameworks share."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from google.genai import types

from chatstore.core import (
    AudioBlock,
    ChatMessage,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    VideoBlock,
)
from chatstore.core.contents import blocks_of, text_of
from chatstore.core.memory.window import PINNED_ROLES
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import TOOL_ROLES, Result, calls_of, parse_arguments, results_of
from chatstore.google_adk.to_common import RESULT

_MEDIA = (ImageBlock, AudioBlock, VideoBlock, DocumentBlock)
_DEFAULT_TYPES = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}


class CallNames(NamedTuple):
    """Ids and tools of the calls in a list of messages.

    Attributes:
        ids: The ids of calls, and of the calls that results answer.
        tools: The names of tools by the ids of calls, since results may lack them.

    """

    ids: CallIds
    tools: Mapping[str, str]


def content_of(message: ChatMessage, index: int, names: CallNames) -> types.Content | None:
    """Return the content of a message, or ``None`` if it has nothing to send.

    System prompts have nothing to send: ADK's agents have their own instruction.

    Args:
        message: A message of any framework.
        index: Its index in the list that ``names`` were made of.
        names: The ids and tools of the list's calls.

    """
    if message.role in PINNED_ROLES:
        return None
    blocks = blocks_of(message.content)
    if message.role is MessageRole.USER or message.role in TOOL_ROLES:
        parts = [
            types.Part(function_response=_response(result, (index, number), names))
            for number, result in enumerate(results_of(message))
        ]
        if message.role is MessageRole.USER:
            parts += _parts(blocks)
        return types.Content(role="user", parts=parts) if parts else None
    parts = [*_parts(blocks), *_calls(message, index, names)]
    return types.Content(role="model", parts=parts) if parts else None


def _calls(message: ChatMessage, index: int, names: CallNames) -> Iterable[types.Part]:
    for number, call in enumerate(calls_of(message)):
        arguments = parse_arguments(call.arguments or "{}")
        args = arguments if isinstance(arguments, dict) else {"arguments": arguments}
        call_id = names.ids.calls[index, number]
        name = call.name or "unknown"
        yield types.Part(function_call=types.FunctionCall(id=call_id, name=name, args=args))


def _response(result: Result, place: tuple[int, int], names: CallNames) -> types.FunctionResponse:
    """Return a tool's result; a result that is not a JSON object is wrapped, as ADK does it."""
    call_id = names.ids.results.get(place, result.id or f"unknown-{place[0]}-{place[1]}")
    blocks = blocks_of(result.content)
    text = text_of(blocks)
    value = parse_arguments(text)
    response: dict[str, Any] = value if isinstance(value, dict) else {RESULT: text}
    media = [part for block in blocks if (part := _response_part(block)) is not None]
    name = result.name or names.tools.get(call_id) or "unknown"
    return types.FunctionResponse(id=call_id, name=name, response=response, parts=media or None)


def _response_part(block: ContentBlock) -> types.FunctionResponsePart | None:
    part = _media_part(block)
    if part is None:
        return None
    if part.inline_data:
        blob = types.FunctionResponseBlob(**part.inline_data.model_dump())
        return types.FunctionResponsePart(inline_data=blob)
    if part.file_data:
        file = types.FunctionResponseFileData(**part.file_data.model_dump())
        return types.FunctionResponsePart(file_data=file)
    return None


def _parts(blocks: Iterable[ContentBlock]) -> Iterable[types.Part]:
    for block in blocks:
        if isinstance(block, TextBlock):
            yield types.Part(text=block.text)
        elif isinstance(block, ThinkingBlock):
            signature = _decode(block.signature)
            yield types.Part(text=block.thinking, thought=True, thought_signature=signature)
        elif (part := _media_part(block)) is not None:
            yield part


def _media_part(block: ContentBlock) -> types.Part | None:
    if not isinstance(block, _MEDIA):
        return None
    media_type = block.media_type or _DEFAULT_TYPES.get(block.type, "application/octet-stream")
    if block.url:
        return types.Part(file_data=types.FileData(file_uri=block.url, mime_type=media_type))
    data = _decode(block.data)
    if not data:
        return None
    return types.Part(inline_data=types.Blob(data=data, mime_type=media_type))


def _decode(text: str | None) -> bytes | None:
    """Return what base64 text means; other frameworks' signatures may be any text."""
    try:
        return base64.b64decode(text, validate=True) if text else None
    except ValueError:
        return None
