"""Convert LlamaIndex's messages to a store's, one to one, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from llama_index.core.llms import ChatMessage as LlamaIndexMessage
from pydantic import ValidationError

from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.foreign import full_name
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.messages import METADATA_KEY
from chatstore.llama_index.from_common import llama_index_messages
from chatstore.llama_index.to_common import common_fields

_FRAMEWORK = "llama_index"
_REFUSED = "JSON cannot hold a message: it contains NaN, objects or a lone surrogate"


def to_messages(messages: Iterable[LlamaIndexMessage]) -> list[ChatMessage]:
    """Return a message for each message of LlamaIndex.

    If the common fields do not hold the whole message, LlamaIndex's message becomes the payload.

    Raises:
        InvalidMessageError: JSON cannot hold a message, or it is not a message of LlamaIndex.

    """
    return [_to_message(message) for message in messages]


def to_llama_index(messages: Iterable[ChatMessage]) -> list[LlamaIndexMessage]:
    """Return messages of LlamaIndex: the payloads, or messages made of the common fields.

    A message of another framework with several tool results becomes a message for each result.
    The first one carries the store's metadata out of LlamaIndex's sight: they are neither sent nor
    dumped nor compared, but copied and pickled, and `to_messages` reads them.
    """
    return [converted for message in messages for converted in _with_metadata(message)]


def _to_message(message: LlamaIndexMessage) -> ChatMessage:
    if not isinstance(message, LlamaIndexMessage):
        raise InvalidMessageError(
            f"a message must be a llama_index.core.llms.ChatMessage, not {full_name(message)}"
        )
    try:
        _check_finite(message.model_dump())
        payload = message.model_dump(mode="json")
        metadata = vars(message).get(METADATA_KEY, {})
        common = ChatMessage(**common_fields(payload), metadata=metadata)
        if llama_index_messages(common) == [LlamaIndexMessage.model_validate(payload)]:
            return common
        return attach_payload(common, _FRAMEWORK, payload)
    except (ValueError, TypeError):
        pass  # raised below: the cause quotes the message
    raise InvalidMessageError(_REFUSED)


def _with_metadata(message: ChatMessage) -> list[LlamaIndexMessage]:
    converted = _to_llama_index(message)
    if message.metadata and converted:
        # Like a cached property: pydantic copies it, but does not count it as a field.
        vars(converted[0])[METADATA_KEY] = message.metadata
    return converted


def _to_llama_index(message: ChatMessage) -> list[LlamaIndexMessage]:
    payload = payload_for(message, _FRAMEWORK)
    if payload is not None:
        try:
            return [LlamaIndexMessage.model_validate(payload)]
        except ValidationError:  # a later version of LlamaIndex wrote it
            pass
    return llama_index_messages(message)


def _check_finite(value: Any) -> None:
    """Refuse numbers that pydantic would write as null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(_REFUSED)
    for item in value.values() if isinstance(value, dict) else ():
        _check_finite(item)
    for item in value if isinstance(value, (list, tuple, set)) else ():
        _check_finite(item)
