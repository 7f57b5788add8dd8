"""Pydantic AI's messages as messages of a store, one for one, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequest

from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.native import native_of, with_native
from chatstore.core.tool_calls import calls_of
from chatstore.pydantic_ai.reading import model_message
from chatstore.pydantic_ai.writing import request_says, response_says

_FRAMEWORK = "pydantic_ai"
_REFUSED = "JSON cannot hold a message: it holds NaN, objects or a lone surrogate"


def to_messages(messages: Iterable[ModelMessage]) -> list[ChatMessage]:
    """Return a message for each message of Pydantic AI, which is kept beside the common fields.

    Ids are made of ``run_id`` and the place among the messages of the run. A message that is of
    no run has none: a store gives it one.

    Raises:
        InvalidMessageError: JSON cannot hold a message.

    """
    written: list[ChatMessage] = []
    places: Counter[str] = Counter()
    for message in messages:
        identity = None
        if message.run_id is not None:
            identity = f"{message.run_id}:{places[message.run_id]}"
            places[message.run_id] += 1
        written.append(_with_native(message, identity))
    return written


def to_model_messages(messages: Iterable[ChatMessage]) -> list[ModelMessage]:
    """Return messages of Pydantic AI: as they were saved, or made of the common fields.

    A message of another framework that holds nothing a model could be told is left out.
    """
    made: list[ModelMessage] = []
    tools: dict[str, str] = {}  # the names of the tools called, which results do not always tell
    for message in messages:
        tools.update((call.id, call.name) for call in calls_of(message))
        found = _native(message) or model_message(message, tools)
        if found is not None:
            made.append(found)
    return made


def common_message(message: ModelMessage, identity: str | None = None) -> ChatMessage:
    """Return what a message says in the fields that all frameworks share.

    Raises:
        InvalidMessageError: JSON cannot hold it.

    """
    try:
        said = (
            request_says(message) if isinstance(message, ModelRequest) else response_says(message)
        )
        return ChatMessage(
            role=said.role, content=said.content, additional_kwargs=said.kwargs, id=identity
        )
    except ValueError as error:
        raise InvalidMessageError(_REFUSED) from error


def _with_native(message: ModelMessage, identity: str | None) -> ChatMessage:
    common = common_message(message, identity)
    try:
        payload = ModelMessagesTypeAdapter.dump_python([message], mode="json")[0]
        return with_native(common, _FRAMEWORK, payload)
    except ValueError as error:
        raise InvalidMessageError(_REFUSED) from error


def _native(message: ChatMessage) -> ModelMessage | None:
    """Return the message that is kept beside the common fields, if this version can read it."""
    payload = native_of(message, _FRAMEWORK)
    if payload is None:
        return None
    try:
        return ModelMessagesTypeAdapter.validate_python([payload])[0]
    except ValidationError:
        return None
