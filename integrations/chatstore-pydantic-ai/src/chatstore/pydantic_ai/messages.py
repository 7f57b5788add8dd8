"""Pydantic AI's messages as messages of a store, one for one, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequest, ModelResponse

from chatstore.core import ChatMessage, ContentBlock, InvalidMessageError
from chatstore.core.foreign import full_name
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.messages import PAYLOADS_KEY
from chatstore.core.pairing import unique_call_ids
from chatstore.core.tool_calls import calls_of
from chatstore.pydantic_ai.ids import message_ids
from chatstore.pydantic_ai.reading import CallNames, model_message
from chatstore.pydantic_ai.writing import common_fields, is_result, part_blocks

_FRAMEWORK = "pydantic_ai"
_REFUSED = "JSON cannot hold a message: it holds NaN, objects or a lone surrogate"


def to_messages(messages: Iterable[ModelMessage]) -> list[ChatMessage]:
    """Return a message for each message of Pydantic AI, which is kept beside the common fields.

    A message's id is made of what it holds: times, run and tool calls included.

    Raises:
        InvalidMessageError: JSON cannot hold a message, or it is not one of Pydantic AI.

    """
    listed = list(messages)
    for given in listed:
        if not isinstance(given, (ModelRequest, ModelResponse)):
            raise InvalidMessageError(
                "a message must be a ModelRequest or a ModelResponse of pydantic_ai, not "
                f"{full_name(given)}"
            )
    try:
        dumped = ModelMessagesTypeAdapter.dump_python(listed, mode="json")
        # As they will be read: what Python and JSON hold differently must not change an id.
        read = ModelMessagesTypeAdapter.validate_python(dumped)
        payloads = ModelMessagesTypeAdapter.dump_python(read, mode="json")
        ids = message_ids(payloads)
        return [
            attach_payload(_common_message(message, identity), _FRAMEWORK, payload)
            for message, identity, payload in zip(read, ids, payloads, strict=True)
        ]
    except ValueError:
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content


def to_model_messages(messages: Iterable[ChatMessage]) -> list[ModelMessage]:
    """Return messages of Pydantic AI: as they were saved, or made of the common fields.

    A message of another framework that holds nothing a model could be told is left out. Calls
    without an id, and results of such calls, get one.
    """
    listed = list(messages)
    names = _call_names(listed)
    made = (
        saved_message(message) or model_message(message, place, names)
        for place, message in enumerate(listed)
    )
    return [message for message in made if message is not None]


def saved_message(message: ChatMessage) -> ModelMessage | None:
    """Return the message that was saved, or those of its parts that a window left of it.

    ``None`` if the common fields were changed elsewhere, or if this version of Pydantic AI cannot
    read the message.
    """
    whole = _read(payload_for(message, _FRAMEWORK))
    return _cut_message(message) if whole is None else whole


def _cut_message(message: ChatMessage) -> ModelMessage | None:
    """Return a request of which some parts are left."""
    native = message.additional_kwargs.get(PAYLOADS_KEY)
    saved = native.get(_FRAMEWORK) if isinstance(native, dict) else None
    payload = saved.get("payload") if isinstance(saved, dict) else None
    request = _read(payload)
    if not isinstance(request, ModelRequest) or not isinstance(message.content, list):
        return None
    try:
        common = _common_message(request)
    except ValueError:
        return None
    common.additional_kwargs = {**common.additional_kwargs, PAYLOADS_KEY: native}
    if payload_for(common, _FRAMEWORK) is None:
        return None  # not what was saved
    left = list(message.content)
    kept = []
    for part in sorted(request.parts, key=lambda part: not is_result(part)):
        blocks = _blocks(part_blocks(part))
        if blocks and left[: len(blocks)] == blocks:
            del left[: len(blocks)]
            kept.append(part)
    if left:
        return None
    has_words = not all(map(is_result, kept))
    parts = [
        part
        for part in request.parts
        # what is only in the payload goes with the words
        if any(part is other for other in kept) or (has_words and not part_blocks(part))
    ]
    return dataclasses.replace(request, parts=parts)


def _read(payload: object) -> ModelMessage | None:
    if payload is None:
        return None
    try:
        return ModelMessagesTypeAdapter.validate_python([payload])[0]
    except ValidationError:
        return None


def _blocks(blocks: Iterable[object]) -> list[ContentBlock]:
    content = ChatMessage.model_validate({"role": "user", "content": list(blocks)}).content
    return content if isinstance(content, list) else []


def _common_message(message: ModelMessage, identity: str | None = None) -> ChatMessage:
    role, content, kwargs = common_fields(message)
    return ChatMessage(role=role, content=content, additional_kwargs=kwargs, id=identity)


def _call_names(messages: list[ChatMessage]) -> CallNames:
    ids = unique_call_ids(messages)
    tools = {
        ids.calls[place, number]: call.name
        for place, message in enumerate(messages)
        for number, call in enumerate(calls_of(message))
    }
    return CallNames(ids, tools)
