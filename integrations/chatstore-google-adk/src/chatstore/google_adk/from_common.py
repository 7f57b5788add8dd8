"""Make contents of Gemini of the fields that all frameworks share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from google.genai import types
from pydantic import ValidationError

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.converters.content import MEDIA_TYPES, common_blocks, texts_of
from chatstore.core.converters.gemini_parts import parts_of
from chatstore.core.memory.window import PINNED_ROLES
from chatstore.core.pairing import CallIds
from chatstore.core.tool_calls import (
    TOOL_ROLES,
    Result,
    arguments_object,
    calls_of,
    parse_arguments,
    results_of,
)
from chatstore.google_adk.to_common import RESULT

_ERROR = "error"  # where ADK keeps the message of a tool that failed
AnyPart = TypeVar("AnyPart", types.Part, types.FunctionResponsePart)


def content_of(message: ChatMessage, index: int, ids: CallIds) -> types.Content | None:
    """Return the content of a message, or ``None`` if it has nothing to send.

    System prompts have nothing to send: ADK's agents have their own instruction. Nor has thinking:
    models refuse the signature of another one.

    Args:
        message: A message of any framework.
        index: Its index in the list that ``ids`` were made for.
        ids: The ids and tools of the list's calls.

    """
    if message.role in PINNED_ROLES:
        return None
    if message.role is MessageRole.USER or message.role in TOOL_ROLES:
        parts = [
            types.Part(function_response=_response(result, (index, number), ids))
            for number, result in enumerate(results_of(message))
        ]
        if message.role is MessageRole.USER:
            parts += _parts(message)
        return types.Content(role="user", parts=parts) if parts else None
    refusal = message.additional_kwargs.get("refusal")
    refused = [types.Part(text=refusal)] if isinstance(refusal, str) and refusal else []
    parts = [*_parts(message), *refused, *_calls(message, index, ids)]
    return types.Content(role="model", parts=parts) if parts else None


def _calls(message: ChatMessage, index: int, ids: CallIds) -> Iterable[types.Part]:
    for number, call in enumerate(calls_of(message)):
        args = arguments_object(call.arguments)
        call_id = ids.calls[index, number]
        name = call.name or "unknown"
        yield types.Part(function_call=types.FunctionCall(id=call_id, name=name, args=args))


def _response(result: Result, place: tuple[int, int], ids: CallIds) -> types.FunctionResponse:
    """Return a tool's result; a result that is not a JSON object is wrapped, as ADK does it."""
    call_id = ids.results.get(place, result.id or f"unknown-{place[0]}-{place[1]}")
    text = texts_of(common_blocks(result.content))
    value = {_ERROR: text} if result.is_error else parse_arguments(text)
    response: dict[str, Any] = value if isinstance(value, dict) else {RESULT: text}
    media = _validated(types.FunctionResponsePart, parts_of(result.content, MEDIA_TYPES))
    name = result.name or ids.tools.get(call_id) or "unknown"
    return types.FunctionResponse(id=call_id, name=name, response=response, parts=media or None)


def _parts(message: ChatMessage) -> list[types.Part]:
    return _validated(types.Part, parts_of(message.content, ("text", *MEDIA_TYPES)))


def _validated(kind: type[AnyPart], parts: Iterable[Mapping[str, Any]]) -> list[AnyPart]:
    """Return parts as the SDK's objects; media whose data are not base64 are left out."""
    validated = []
    for part in parts:
        with suppress(ValidationError):
            validated.append(kind.model_validate(part))
    return validated
