"""Items of the Agents SDK as messages, one an item, and back.

What a chat model would be told of an item stands in the message's common fields. The item itself
is kept beside them, unless the common fields alone give it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from agents import TResponseInputItem

from chatstore.core import ChatMessage, InvalidMessageError, MessageRole
from chatstore.core.codec import new_id
from chatstore.core.native import native_of, with_native
from chatstore.openai_agents.common import Fields, fields_of, plain_items

_FRAMEWORK = "openai_agents"


def to_messages(items: Iterable[TResponseInputItem]) -> list[ChatMessage]:
    """Return a message for each item, with an id.

    Function calls that a model made at once are items of their own in the SDK, where other
    frameworks and providers have one message with all of them before their results: the last
    message before the results carries them all.

    Raises:
        InvalidMessageError: JSON cannot hold an item.

    """
    taken = [cast("dict[str, Any]", item) for item in items]
    all_fields = [fields_of(item) for item in taken]
    _gather_calls(all_fields)
    return [_message(item, fields) for item, fields in zip(taken, all_fields, strict=True)]


def to_items(messages: Iterable[ChatMessage]) -> list[TResponseInputItem]:
    """Return the items of messages: as they were added, or made of a message's common fields.

    A message of another framework may be several items, or none where it holds nothing that
    the SDK could tell a model.
    """
    items: list[TResponseInputItem] = []
    for message in messages:
        native = native_of(message, _FRAMEWORK)
        made = plain_items(message) if native is None else [native]
        items.extend(cast("list[TResponseInputItem]", made))
    return items


def _gather_calls(all_fields: Iterable[Fields]) -> None:
    """Give the calls that are made before results to the last message before them."""
    carrier: Fields | None = None
    for fields in all_fields:
        if fields.role is not MessageRole.ASSISTANT:
            carrier = None
        elif carrier is not None:
            fields.calls, carrier.calls = carrier.calls + fields.calls, []
            carrier = fields
        elif fields.calls:
            carrier = fields


def _message(item: dict[str, Any], fields: Fields) -> ChatMessage:
    try:
        common = ChatMessage(
            role=fields.role,
            content=fields.content,
            additional_kwargs=fields.additional_kwargs(),
            id=new_id(),
        )
        if plain_items(common) == [item]:
            return common
        return with_native(common, _FRAMEWORK, item)
    except ValueError as error:
        text = "JSON cannot hold an item: it holds NaN, bytes, objects or a lone surrogate"
        raise InvalidMessageError(text) from error
