"""Convert Pydantic AI's messages to a store's, one to one, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequest, ModelResponse

from chatstore.core import ChatMessage, ContentBlock, InvalidMessageError
from chatstore.core.foreign import full_name
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.messages import METADATA_KEY, PAYLOADS_KEY
from chatstore.core.pairing import unique_call_ids
from chatstore.pydantic_ai.from_common import model_message
from chatstore.pydantic_ai.message_ids import message_ids
from chatstore.pydantic_ai.to_common import common_fields, is_result, part_blocks

_FRAMEWORK = "pydantic_ai"
_REFUSED = "JSON cannot hold a message: it contains NaN, objects or a lone surrogate"


def to_messages(messages: Iterable[ModelMessage]) -> list[ChatMessage]:
    """Return a message for each message of Pydantic AI, which becomes the payload.

    A message's id is made of its content, including times, run and tool calls.

    Raises:
        InvalidMessageError: JSON cannot hold a message, or it is not a message of Pydantic AI.

    """
    listed = list(messages)
    for item in listed:
        if not isinstance(item, (ModelRequest, ModelResponse)):
            raise InvalidMessageError(
                "a message must be a ModelRequest or a ModelResponse of pydantic_ai, not "
                f"{full_name(item)}"
            )
    metadata = [(item.metadata or {}).get(METADATA_KEY, {}) for item in listed]
    listed = list(map(_without_metadata, listed))
    try:
        dumped = ModelMessagesTypeAdapter.dump_python(listed, mode="json")
        # Ids are made of what will be read, which JSON may represent in another way.
        restored = ModelMessagesTypeAdapter.validate_python(dumped)
        payloads = ModelMessagesTypeAdapter.dump_python(restored, mode="json")
        ids = message_ids(payloads)
        return [
            attach_payload(_common_message(message, message_id, own), _FRAMEWORK, payload)
            for message, message_id, own, payload in zip(
                restored, ids, metadata, payloads, strict=True
            )
        ]
    except ValueError:
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content


def to_model_messages(messages: Iterable[ChatMessage]) -> list[ModelMessage]:
    """Return messages of Pydantic AI: the payloads, or messages made of the common fields.

    A message of another framework that contains nothing to send to a model is left out. Calls
    without an id, and results of such calls, get one. The store's metadata are in
    ``metadata["chatstore.metadata"]``, which Pydantic AI does not send; `to_messages` reads them
    there.
    """
    return [made for made in convert_each(list(messages)) if made is not None]


def convert_each(messages: Sequence[ChatMessage]) -> list[ModelMessage | None]:
    """Return a message of Pydantic AI for each message, as `to_model_messages` does.

    ``None``: the message contains nothing to send to a model.
    """
    saved = {
        index: made
        for index, message in enumerate(messages)
        if (made := saved_message(message)) is not None
    }
    ids = unique_call_ids(messages, unchanged=saved)
    converted = (
        (message, saved.get(index) or model_message(message, index, ids))
        for index, message in enumerate(messages)
    )
    return [None if made is None else _with_metadata(message, made) for message, made in converted]


def _with_metadata(message: ChatMessage, made: ModelMessage) -> ModelMessage:
    if not message.metadata:
        return made
    return dataclasses.replace(
        made, metadata={**(made.metadata or {}), METADATA_KEY: message.metadata}
    )


def _without_metadata(message: ModelMessage) -> ModelMessage:
    if METADATA_KEY not in (message.metadata or {}):
        return message
    rest = {n: value for n, value in (message.metadata or {}).items() if n != METADATA_KEY}
    return dataclasses.replace(message, metadata=rest or None)


def saved_message(message: ChatMessage) -> ModelMessage | None:
    """Return the payload; if a window left out some of its parts, without these.

    ``None`` if the common fields were changed elsewhere, or if this version of Pydantic AI cannot
    read the payload.
    """
    whole = _read(payload_for(message, _FRAMEWORK))
    return _partial_message(message) if whole is None else whole


def _partial_message(message: ChatMessage) -> ModelMessage | None:
    """Return a request with the parts whose blocks the message still has."""
    payloads = message.additional_kwargs.get(PAYLOADS_KEY)
    entry = payloads.get(_FRAMEWORK) if isinstance(payloads, dict) else None
    payload = entry.get("payload") if isinstance(entry, dict) else None
    request = _read(payload)
    if not isinstance(request, ModelRequest) or not isinstance(message.content, list):
        return None
    try:
        common = _common_message(request)
    except ValueError:
        return None
    common.additional_kwargs = {**common.additional_kwargs, PAYLOADS_KEY: payloads}
    if payload_for(common, _FRAMEWORK) is None:
        return None  # the payload does not belong to this request
    remaining = list(message.content)
    present = []
    for part in sorted(request.parts, key=lambda part: not is_result(part)):
        blocks = _blocks(part_blocks(part))
        if blocks and remaining[: len(blocks)] == blocks:
            del remaining[: len(blocks)]
            present.append(part)
    if remaining:
        return None
    has_prompt = not all(map(is_result, present))
    parts = [
        part
        for part in request.parts
        # parts that are only in the payload belong to the prompt
        if any(part is other for other in present) or (has_prompt and not part_blocks(part))
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


def _common_message(
    message: ModelMessage, message_id: str | None = None, metadata: Mapping[str, Any] = {}
) -> ChatMessage:
    role, content, kwargs = common_fields(message)
    return ChatMessage(
        role=role, content=content, additional_kwargs=kwargs, metadata=metadata, id=message_id
    )
