"""Haystack's messages as messages of a store, one for one, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from haystack.dataclasses import ChatMessage as HaystackMessage
from haystack.dataclasses import ToolCall

from chatstore.core import ChatMessage, InvalidMessageError
from chatstore.core.codec import new_id
from chatstore.core.framework_payload import attach_payload, payload_for
from chatstore.core.pairing import pair_calls
from chatstore.haystack.reading import haystack_messages, tool_calls
from chatstore.haystack.writing import common_message

_FRAMEWORK = "haystack"
ID = "chat_message_id"  # where Haystack's own stores keep a message's id, in its meta


def to_messages(messages: Iterable[HaystackMessage]) -> list[ChatMessage]:
    """Return a message for each of Haystack's, which is kept beside the common fields.

    The id is that of the meta, where there is one.

    Raises:
        InvalidMessageError: JSON cannot hold a message.

    """
    return [_with_native(message) for message in messages]


def to_haystack(messages: Iterable[ChatMessage]) -> list[HaystackMessage]:
    """Return messages of Haystack: as they were written, or made of the common fields.

    Each has its id in its meta. A message of another framework may be several, which share its
    id, or none where it holds nothing that Haystack could tell a model.
    """
    return [made for group in haystack_groups(messages) for made in group]


def haystack_groups(messages: Iterable[ChatMessage]) -> list[list[HaystackMessage]]:
    """Return for each message what `to_haystack` makes of it."""
    listed = list(messages)
    answered = _answered_calls(listed)
    groups: list[list[HaystackMessage]] = []
    for place, message in enumerate(listed):
        native = _native(message)
        found = haystack_messages(message, answered[place]) if native is None else [native]
        if message.id is not None:
            found = [replace(made, _meta={ID: message.id, **made.meta}) for made in found]
        groups.append(found)
    return groups


def _answered_calls(messages: Sequence[ChatMessage]) -> list[dict[int, ToolCall]]:
    """Return for each message the calls that its results answer, by the results' places.

    Haystack's results hold the call that they answer. Ids may be missing or repeated, so that
    order counts too.
    """
    answered: list[dict[int, ToolCall]] = [{} for _ in messages]
    made: dict[int, list[ToolCall]] = {}
    for pair in pair_calls(messages):
        if pair.call_message not in made:
            made[pair.call_message] = tool_calls(messages[pair.call_message])
        answered[pair.result_message][pair.result] = made[pair.call_message][pair.call]
    return answered


def _with_native(message: HaystackMessage) -> ChatMessage:
    identity = message.meta.get(ID)
    try:
        common = common_message(message, new_id() if identity is None else str(identity))
        return attach_payload(common, _FRAMEWORK, message.to_dict())
    except (ValueError, TypeError) as error:
        raise InvalidMessageError(
            "JSON cannot hold a message, or its id is none: it holds NaN, bytes, tuples, objects "
            "or a lone surrogate"
        ) from error


def _native(message: ChatMessage) -> HaystackMessage | None:
    """Return the message that is kept beside the common fields, if this version can read it."""
    payload = payload_for(message, _FRAMEWORK)
    if payload is None:
        return None
    try:
        return HaystackMessage.from_dict(payload)
    except (ValueError, TypeError, KeyError):
        return None
