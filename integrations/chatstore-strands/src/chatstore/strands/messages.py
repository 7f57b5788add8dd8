"""Convert Strands' messages to a store's, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from strands.types.content import Message
from strands.types.session import decode_bytes_values, encode_bytes_values

from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.codec import new_id
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.messages import METADATA_KEY
from chatstore.core.pairing import unique_call_ids
from chatstore.strands.from_common import content_of, role_of
from chatstore.strands.ids import number_of
from chatstore.strands.to_common import common_message

FRAMEWORK = "strands"
_REFUSED = (
    "JSON cannot hold a message of Strands: it contains NaN, tuples, objects or a lone surrogate, "
    "or its content is not in Strands' format"
)


@dataclass
class Group:
    """A message of Strands and the stored messages that it is made of.

    Attributes:
        message: The message.
        stored: Several if their roles are the same in Strands, where messages of the user and of
            the assistant alternate; one if Strands wrote it.
        payload: What Strands wrote, with encoded bytes; ``None`` for others' messages.

    """

    message: Message
    stored: list[ChatMessage] = field(default_factory=list)
    payload: Mapping[str, Any] | None = None


def to_messages(messages: Iterable[Message]) -> list[ChatMessage]:
    """Return a message for each of Strands', with Strands' message as its payload.

    The id is the message's ``tracking_id``, or a new one.

    Raises:
        InvalidMessageError: JSON cannot hold a message, or its id is not valid.

    """
    return [make_message(message, message.get("tracking_id") or new_id()) for message in messages]


def to_strands(messages: Iterable[ChatMessage]) -> list[Message]:
    """Return messages of Strands: the payloads, or messages made of the common fields.

    Neighbours of other frameworks become one message if both are the user's, tools' results
    included, or both are the assistant's: models refuse results that are in several messages.
    System messages are left out, since an agent of Strands has a system prompt of its own. A
    message's ``tracking_id`` is the stored id, and the metadata of a stored message are in
    ``metadata["custom"]["chatstore.metadata"]``, which Strands does not send; `to_messages` reads
    both there.
    """
    return [group.message for group in group_messages(messages)]


def make_message(
    message: Message,
    message_id: str,
    *,
    visible: Message | None = None,
    fields: Mapping[str, Any] = {},
    created_at: datetime | None = None,
) -> ChatMessage:
    """Return the message to store.

    Args:
        message: The message.
        message_id: The id of the stored message.
        visible: What other frameworks may read of it; by default the message.
        fields: What else the payload contains.
        created_at: When it was created; by default the time of writing.

    Raises:
        InvalidMessageError: JSON cannot hold the message, or the id is not valid.

    """
    try:
        metadata, bare = _split_metadata(message)
        payload = encode_bytes_values({**fields, "message": bare})
        common = common_message(encode_bytes_values(visible or bare), message_id)
        common = common.model_copy(update={"metadata": metadata, "created_at": created_at})
        return attach_payload(common, FRAMEWORK, payload)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content


def group_messages(messages: Iterable[ChatMessage]) -> list[Group]:
    """Return Strands' messages with the stored messages that each is made of."""
    listed = list(messages)
    saved = {
        index: payload
        for index, message in enumerate(listed)
        if (payload := _saved(message)) is not None
    }
    ids = unique_call_ids(listed, unchanged=saved)
    groups: list[Group] = []
    for index, stored in enumerate(listed):
        if index in saved:
            groups.append(_from_payload(stored, saved[index]))
            continue
        content = content_of(stored, index, ids)
        if not content:
            continue
        message: Message = {"role": role_of(stored), "content": content}
        if groups and _are_one(groups[-1], stored):
            groups[-1].stored.append(stored)
            content = _results_first([*groups[-1].message["content"], *content])
            groups[-1].message["content"] = content
        else:
            groups.append(Group(_identified(message, stored), [stored]))
    return groups


def with_metadata(message: Message, stored: ChatMessage) -> Message:
    """Return a message of Strands with the metadata of the stored one."""
    if not stored.metadata:
        return message
    metadata = message.get("metadata", {})
    custom = {**metadata.get("custom", {}), METADATA_KEY: stored.metadata}
    return cast(Message, {**message, "metadata": {**metadata, "custom": custom}})


def _are_one(group: Group, stored: ChatMessage) -> bool:
    """Return whether a message of another framework belongs to the one before it."""
    if group.payload is not None or group.message["role"] != role_of(stored):
        return False
    return number_of(group.stored[-1]) is None and number_of(stored) is None


def _saved(message: ChatMessage) -> dict[str, Any] | None:
    """Return the payload, unless it is not one of Strands' messages."""
    payload = payload_for(message, FRAMEWORK)
    if not isinstance(payload, dict) or not isinstance(payload.get("message"), dict):
        return None
    return payload if payload["message"].keys() >= {"role", "content"} else None


def _from_payload(stored: ChatMessage, payload: dict[str, Any]) -> Group:
    sent = payload.get("redact_message") or payload["message"]
    message = cast(Message, decode_bytes_values(sent))
    return Group(_identified(message, stored), [stored], payload)


def _identified(message: Message, stored: ChatMessage) -> Message:
    """Return a message with the id and the metadata of the stored one."""
    identified: Message = {**message}
    if not message.get("tracking_id") and stored.id is not None:
        identified["tracking_id"] = stored.id
    return with_metadata(identified, stored)


def _split_metadata(message: Message) -> tuple[dict[str, Any], Message]:
    """Return the stored metadata, and the message without them."""
    metadata: dict[str, Any] = {**message.get("metadata", {})}
    custom = dict(metadata.get("custom", {}))
    stored = custom.pop(METADATA_KEY, None)
    if not isinstance(stored, dict):
        return {}, message
    metadata["custom"] = custom
    if not custom:
        del metadata["custom"]
    without: Message = {**message}
    del without["metadata"]
    return stored, cast(Message, {**without, "metadata": metadata} if metadata else without)


def _results_first(content: list[Any]) -> list[Any]:
    """Return content with tools' results in front of text, where models expect them."""
    return sorted(content, key=lambda part: "toolResult" not in part)
