"""Convert Haystack's messages to a store's, one to one, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from haystack.dataclasses import ChatMessage as HaystackMessage
from haystack.dataclasses import ToolCall

from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.codec import new_id
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.messages import METADATA_KEY
from chatstore.core.pairing import pair_calls
from chatstore.haystack.from_common import haystack_messages, tool_calls
from chatstore.haystack.to_common import common_message

_FRAMEWORK = "haystack"
_REFUSED = (
    "JSON cannot hold a message: it contains NaN, bytes, tuples, objects or a lone surrogate, or "
    "its id does not have 1 to 255 bytes"
)
ID = "chat_message_id"
"""Where Haystack's own stores keep a message's id, in its meta."""


def to_messages(messages: Iterable[HaystackMessage]) -> list[ChatMessage]:
    """Return a message for each of Haystack's, with Haystack's message as its payload.

    The id is ``meta["chat_message_id"]``, or a new one.

    Raises:
        InvalidMessageError: JSON cannot hold a message, or its id is not valid.

    """
    return [_to_message(message) for message in messages]


def to_haystack(messages: Iterable[ChatMessage]) -> list[HaystackMessage]:
    """Return messages of Haystack: the payloads, or messages made of the common fields.

    Each has its id in its meta, and the store's metadata as ``meta["chatstore.metadata"]``, which
    Haystack does not send; `to_messages` reads both there. A message of another framework may
    become several, which share its id, or none if it contains nothing that Haystack could send to
    a model.
    """
    return [message for group in haystack_groups(messages) for message in group]


def haystack_groups(messages: Iterable[ChatMessage]) -> list[list[HaystackMessage]]:
    """Return for each message the list of messages that `to_haystack` makes of it."""
    listed = list(messages)
    answered = _answered_calls(listed)
    groups: list[list[HaystackMessage]] = []
    for message, calls in zip(listed, answered, strict=True):
        saved = _saved_message(message)
        group = haystack_messages(message, calls) if saved is None else [saved]
        if message.id is not None:
            group = [replace(item, _meta={ID: message.id, **item.meta}) for item in group]
        if message.metadata and group:
            meta = {**group[0].meta, METADATA_KEY: message.metadata}
            group[0] = replace(group[0], _meta=meta)
        groups.append(group)
    return groups


def _answered_calls(messages: Sequence[ChatMessage]) -> list[dict[int, ToolCall]]:
    """Return for each message the call that each of its results answers, by the result's index.

    Haystack's results contain the call that they answer. Ids may be missing or repeated, so calls
    and results are paired by id and order.
    """
    answered: list[dict[int, ToolCall]] = [{} for _ in messages]
    calls: dict[int, list[ToolCall]] = {}
    for pair in pair_calls(messages):
        if pair.call_message not in calls:
            calls[pair.call_message] = tool_calls(messages[pair.call_message])
        answered[pair.result_message][pair.result] = calls[pair.call_message][pair.call]
    return answered


def _to_message(message: HaystackMessage) -> ChatMessage:
    message_id = message.meta.get(ID)
    metadata = message.meta.get(METADATA_KEY)
    if isinstance(metadata, dict):
        meta = {name: value for name, value in message.meta.items() if name != METADATA_KEY}
        message = replace(message, _meta=meta)
    try:
        payload = message.to_dict()
        common = common_message(payload, new_id() if message_id is None else str(message_id))
        if isinstance(metadata, dict):
            common = ChatMessage.model_validate({**common.model_dump(), "metadata": metadata})
        return attach_payload(common, _FRAMEWORK, payload)
    except (ValueError, TypeError):
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content


def _saved_message(message: ChatMessage) -> HaystackMessage | None:
    """Return the payload, unless this version of Haystack cannot read it."""
    payload = payload_for(message, _FRAMEWORK)
    if payload is None:
        return None
    try:
        return HaystackMessage.from_dict(payload)
    except (ValueError, TypeError, KeyError):
        return None
