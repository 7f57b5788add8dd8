"""Convert the Agents SDK's items to a store's messages, one to one, and back.

A message's common fields contain what a chat model would be sent for the item. The item itself
is the message's payload, unless the common fields hold all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from agents import TResponseInputItem

from chatstore.core import ChatMessage, InvalidMessageError, MessageRole
from chatstore.core.codec import new_id
from chatstore.core.converters.responses_items import message_items
from chatstore.core.foreign import full_name
from chatstore.core.framework_payload import Joins, attach_payload, payload_for
from chatstore.core.pairing import unique_call_ids
from chatstore.openai_agents.to_common import Fields, fields_of

_FRAMEWORK = "openai_agents"
_REFUSED = "JSON cannot hold an item: it contains NaN, bytes, objects or a lone surrogate"
_PLAIN = True
"""The payload of an item that its common fields hold; the id of its call is never replaced."""


class StoredItem(dict[str, Any]):
    """An item with the store's metadata of its message, which are not a part of the item.

    They are neither sent nor compared. `to_messages` reads them; a copy that is made with
    ``dict(item)`` lacks them.

    Attributes:
        metadata: The metadata.

    """

    metadata: Mapping[str, Any] = {}


def to_messages(items: Iterable[TResponseInputItem]) -> list[ChatMessage]:
    """Return a message for each item, with a new id.

    Parallel calls are separate items in the SDK, while other frameworks and providers have one
    message with all of them before their results. Here the last message before the results has
    all of the calls. A window keeps or leaves out all of these items together, and reasoning
    together with the item that it led to.

    Raises:
        InvalidMessageError: JSON cannot hold an item, or it is not a dict.

    """
    checked = [_check_item(item) for item in items]
    all_fields = [fields_of(item) for item in checked]
    _gather_calls(all_fields)
    return [_message(item, fields) for item, fields in zip(checked, all_fields, strict=True)]


def to_items(messages: Iterable[ChatMessage]) -> list[TResponseInputItem]:
    """Return the items of messages: the payloads, or items made of the common fields.

    A message of another framework may become several items, or none if it contains nothing that
    the SDK could send to a model. Calls without an id, and their results, get one. Metadata of a
    message are an attribute of its first item, see `StoredItem`.
    """
    listed = list(messages)
    stored = (payload_for(message, _FRAMEWORK) for message in listed)
    payloads = {index: one for index, one in enumerate(stored) if one is not None}
    ids = unique_call_ids(listed, unchanged=payloads)
    items: list[TResponseInputItem] = []
    for index, message in enumerate(listed):
        payload = payloads.get(index)
        if payload is None:
            converted = message_items(message, index, ids)
        else:
            converted = message_items(message) if payload is _PLAIN else [payload]
        if message.metadata and converted:
            first = StoredItem(converted[0])
            first.metadata = message.metadata
            converted = [first, *converted[1:]]
        items.extend(cast("list[TResponseInputItem]", converted))
    return items


def outlines(items: Iterable[TResponseInputItem]) -> list[ChatMessage]:
    """Return messages without content that a window treats like the items.

    Raises:
        InvalidMessageError: An item is not a dict, or the id of a call is not text.

    """
    all_fields = [fields_of(_check_item(item)) for item in items]
    _gather_calls(all_fields)
    try:
        return [_outline(fields) for fields in all_fields]
    except ValueError:
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content


def _outline(fields: Fields) -> ChatMessage:
    common = ChatMessage(role=fields.role, additional_kwargs=fields.additional_kwargs())
    if fields.calls or fields.joins is None:
        return common
    return attach_payload(common, _FRAMEWORK, None, joins=fields.joins)


def _check_item(item: object) -> dict[str, Any]:
    if isinstance(item, Mapping):
        return cast("dict[str, Any]", item)
    raise InvalidMessageError(
        "an item must be a dict, as result.to_input_list() returns them, not "
        f"{full_name(item)}; to add a ChatMessage, call the store's add_message"
    )


def _gather_calls(all_fields: Iterable[Fields]) -> None:
    """Move parallel calls to the last message before their results."""
    carrier: Fields | None = None
    for fields in all_fields:
        if fields.role is not MessageRole.ASSISTANT:
            carrier = None
            continue
        if fields.calls:
            fields.joins = Joins.CALLS  # has no effect for the last, which keeps its calls
        if carrier is not None:
            fields.calls, carrier.calls = carrier.calls + fields.calls, []
        carrier = fields if fields.calls else None


def _message(item: dict[str, Any], fields: Fields) -> ChatMessage:
    try:
        common = ChatMessage(
            role=fields.role,
            content=fields.content,
            additional_kwargs=fields.additional_kwargs(),
            metadata=item.metadata if isinstance(item, StoredItem) else {},
            id=new_id(),
        )
        is_plain = message_items(common) == [item]
        if is_plain and "call_id" not in item:
            return common
        joins = None if fields.calls else fields.joins
        payload = _PLAIN if is_plain else dict(item)
        return attach_payload(common, _FRAMEWORK, payload, joins=joins)
    except ValueError:
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content
