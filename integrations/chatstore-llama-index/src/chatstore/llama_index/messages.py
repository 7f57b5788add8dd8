"""LlamaIndex's messages as messages of a store, one for one, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from llama_index.core.llms import ChatMessage as LlamaIndexMessage
from pydantic import ValidationError

from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.llama_index.reading import llama_index_messages
from chatstore.llama_index.writing import common_fields

_FRAMEWORK = "llama_index"
_REFUSED = "JSON cannot hold a message: it holds NaN, objects or a lone surrogate"


def to_messages(messages: Iterable[LlamaIndexMessage]) -> list[ChatMessage]:
    """Return a message for each message of LlamaIndex.

    Where the fields that all frameworks share do not tell everything, the message itself is kept
    beside them.

    Raises:
        InvalidMessageError: JSON cannot hold a message, or it is none of LlamaIndex.

    """
    return [_to_message(message) for message in messages]


def to_llama_index(messages: Iterable[ChatMessage]) -> list[LlamaIndexMessage]:
    """Return messages of LlamaIndex: as they were written, or made of the common fields.

    A message of another framework that holds several results of tools is a message for each.
    """
    return [made for message in messages for made in _to_llama_index(message)]


def _to_message(message: LlamaIndexMessage) -> ChatMessage:
    if not isinstance(message, LlamaIndexMessage):
        kind = type(message)
        raise InvalidMessageError(
            "a message must be a llama_index.core.llms.ChatMessage, "
            f"not {kind.__module__}.{kind.__qualname__}"
        )
    try:
        _check_finite(message.model_dump())
        payload = message.model_dump(mode="json")
        common = ChatMessage(**common_fields(payload))
        if llama_index_messages(common) == [LlamaIndexMessage.model_validate(payload)]:
            return common
        return attach_payload(common, _FRAMEWORK, payload)
    except (ValueError, TypeError) as error:
        raise InvalidMessageError(_REFUSED) from error


def _to_llama_index(message: ChatMessage) -> list[LlamaIndexMessage]:
    payload = payload_for(message, _FRAMEWORK)
    if payload is not None:
        try:
            return [LlamaIndexMessage.model_validate(payload)]
        except ValidationError:  # a later version of LlamaIndex wrote it
            pass
    return llama_index_messages(message)


def _check_finite(value: Any) -> None:
    """Refuse what pydantic would write as null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(_REFUSED)
    for item in value.values() if isinstance(value, dict) else ():
        _check_finite(item)
    for item in value if isinstance(value, (list, tuple, set)) else ():
        _check_finite(item)
