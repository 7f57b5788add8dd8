"""Convert Agent Framework's messages to a store's, one to one, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent_framework import Message

from chatstore.agent_framework.from_common import agent_messages
from chatstore.agent_framework.to_common import common_fields
from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.foreign import full_name
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.messages import METADATA_KEY, check_id
from chatstore.core.pairing import unique_call_ids

FRAMEWORK = "agent_framework"
_REFUSED = (
    "JSON cannot hold a message: its contents or additional_properties contain NaN, bytes, "
    "objects, a lone surrogate or too many levels"
)


def to_messages(messages: Iterable[Message]) -> list[ChatMessage]:
    """Return a message for each of Agent Framework's.

    The id is ``message_id``; without one, the store assigns it. If the common fields do not hold
    the whole message, Agent Framework's message becomes the payload. What the framework itself
    never saves is left out: ``raw_representation`` and the text of exceptions.

    Raises:
        InvalidMessageError: JSON cannot hold a message, or it is not a message of Agent Framework.

    """
    return [_to_message(message) for message in messages]


def to_agent_framework(messages: Iterable[ChatMessage]) -> list[Message]:
    """Return messages of Agent Framework: the payloads, or messages made of the common fields.

    Each has its id as ``message_id``, and the store's metadata in ``additional_properties``, which
    are not sent; `to_messages` reads both there. A message of another framework may become two,
    which share its id, or none if it contains nothing that could be sent to a model.
    """
    listed = list(messages)
    saved = {index: one for index, one in enumerate(map(_saved_message, listed)) if one is not None}
    ids = unique_call_ids(listed, unchanged=saved)
    converted = []
    for index, message in enumerate(listed):
        group = [saved[index]] if index in saved else agent_messages(message, index, ids)
        for item in group:
            item.message_id = item.message_id or message.id
            if message.metadata:
                item.additional_properties[METADATA_KEY] = message.metadata
        converted += group
    return converted


def _to_message(message: Message) -> ChatMessage:
    if not isinstance(message, Message):
        raise InvalidMessageError(
            f"a message must be an agent_framework.Message, not {full_name(message)}"
        )
    try:
        payload = _payload(message)
        metadata = payload["additional_properties"].pop(METADATA_KEY, {})
        message_id = message.message_id if _is_id(message.message_id) else None
        common = ChatMessage(**common_fields(payload), metadata=metadata, id=message_id)
        if message_id is None and message.message_id is not None:
            payload["message_id"] = message.message_id
        rebuilt = agent_messages(common, 0, unique_call_ids([common]))
        if [*map(_payload, rebuilt)] == [payload]:
            return common
        return attach_payload(common, FRAMEWORK, payload)
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content


def _payload(message: Message) -> dict[str, Any]:
    """Return a message as JSON, without its id.

    ``Message.to_dict`` silently leaves out what is not JSON; here it is kept, and then refused.
    """
    contents = [
        _plain(content.to_dict(exclude={"annotations"}))
        | ({"annotations": _annotations(content.annotations)} if content.annotations else {})
        for content in message.contents
    ]
    payload = {
        "role": message.role,
        "contents": contents,
        "additional_properties": _plain(message.additional_properties),
    }
    if message.author_name is not None:
        payload["author_name"] = message.author_name
    return payload


def _annotations(annotations: Iterable[Mapping[str, Any]]) -> Any:
    """Return annotations without the provider's objects, which the framework does not save."""
    return [
        _plain({name: value for name, value in item.items() if name != "raw_representation"})
        for item in annotations
    ]


def _plain(value: Any) -> Any:
    """Return dicts and lists for what the framework saves as such."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return _plain(value.to_dict()) if hasattr(value, "to_dict") else value


def _is_id(message_id: object) -> bool:
    try:
        return isinstance(message_id, str) and check_id(message_id) == message_id
    except ValueError:
        return False


def _saved_message(message: ChatMessage) -> Message | None:
    """Return the payload, unless this version of Agent Framework cannot read it."""
    payload = payload_for(message, FRAMEWORK)
    if not isinstance(payload, dict):
        return None
    try:
        return Message(**payload)
    except (ValueError, TypeError):
        return None
