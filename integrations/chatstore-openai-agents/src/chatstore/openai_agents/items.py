"""Items of the Agents SDK as messages, one an item, and back.

A message's common fields say what a chat model would be told of the item. The item itself is kept
beside them, unless the common fields alone give it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from agents import TResponseInputItem

from chatstore.core import ChatMessage, InvalidMessageError, MessageRole
from chatstore.core.codec import new_id
from chatstore.core.foreign import full_name
from chatstore.core.framework_payload import Joins, attach_payload, payload_for
from chatstore.core.pairing import unique_call_ids
from chatstore.openai_agents.common import Fields, fields_of, plain_items

_FRAMEWORK = "openai_agents"
_REFUSED = "JSON cannot hold an item: it holds NaN, bytes, objects or a lone surrogate"
_PLAIN = True
"""The payload of an item that its common fields give back; its call's id is never replaced."""


def to_messages(items: Iterable[TResponseInputItem]) -> list[ChatMessage]:
    """Return a message for each item, with an id.

    Calls that a model made at once are items of their own in the SDK, where other frameworks and
    providers have one message with all of them before their results: the last message before the
    results carries them all. A window keeps or leaves out all of these items, and reasoning with
    the item that it led to.

    Raises:
        InvalidMessageError: JSON cannot hold an item, or it is not a dict.

    """
    checked = [_checked(item) for item in items]
    all_fields = [fields_of(item) for item in checked]
    _gather_calls(all_fields)
    return [_message(item, fields) for item, fields in zip(checked, all_fields, strict=True)]


def to_items(messages: Iterable[ChatMessage]) -> list[TResponseInputItem]:
    """Return the items of messages: as they were added, or made of a message's common fields.

    A message of another framework may be several items, or none if it holds nothing that the SDK
    could tell a model. Calls without an id, and their results, get one.
    """
    listed = list(messages)
    ids = unique_call_ids(listed)
    items: list[TResponseInputItem] = []
    for place, message in enumerate(listed):
        item = payload_for(message, _FRAMEWORK)
        if item is None:
            made = plain_items(message, place, ids)
        else:
            made = plain_items(message) if item is _PLAIN else [item]
        items.extend(cast("list[TResponseInputItem]", made))
    return items


def outlines(items: Iterable[TResponseInputItem]) -> list[ChatMessage]:
    """Return messages without content that a window treats like the items.

    Their ids are the places of the items.

    Raises:
        InvalidMessageError: An item is not a dict, or the id of a call is not text.

    """
    all_fields = [fields_of(_checked(item)) for item in items]
    _gather_calls(all_fields)
    try:
        return [_outline(fields, str(place)) for place, fields in enumerate(all_fields)]
    except ValueError:
        pass
    raise InvalidMessageError(_REFUSED)


def _outline(fields: Fields, identity: str) -> ChatMessage:
    common = ChatMessage(
        role=fields.role, additional_kwargs=fields.additional_kwargs(), id=identity
    )
    if fields.calls or fields.joins is None:
        return common
    return attach_payload(common, _FRAMEWORK, None, joins=fields.joins)


def _checked(item: object) -> dict[str, Any]:
    if isinstance(item, Mapping):
        return cast("dict[str, Any]", item)
    raise InvalidMessageError(
        "an item must be a dict, as result.to_input_list() returns them, not "
        f"{full_name(item)}; a store takes ChatMessages"
    )


def _gather_calls(all_fields: Iterable[Fields]) -> None:
    """Give the calls that are made before results to the last message before them."""
    carrier: Fields | None = None
    for fields in all_fields:
        if fields.role is not MessageRole.ASSISTANT:
            carrier = None
            continue
        if fields.calls:
            fields.joins = Joins.CALLS  # unless it is the last, which keeps its calls
        if carrier is not None:
            fields.calls, carrier.calls = carrier.calls + fields.calls, []
        carrier = fields if fields.calls else None


def _message(item: dict[str, Any], fields: Fields) -> ChatMessage:
    try:
        common = ChatMessage(
            role=fields.role,
            content=fields.content,
            additional_kwargs=fields.additional_kwargs(),
            id=new_id(),
        )
        is_plain = plain_items(common) == [item]
        if is_plain and "call_id" not in item:
            return common
        joins = None if fields.calls else fields.joins
        payload = _PLAIN if is_plain else item
        return attach_payload(common, _FRAMEWORK, payload, joins=joins)
    except ValueError:
        pass
    raise InvalidMessageError(_REFUSED)  # outside: the causes quote the content
