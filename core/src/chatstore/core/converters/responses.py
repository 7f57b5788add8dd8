"""Messages as items of OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatstore.core.contents import BlockFields, simplify
from chatstore.core.converters.messages import check_messages
from chatstore.core.converters.originals import keep_original, original_of
from chatstore.core.converters.plain import plain_items
from chatstore.core.converters.responses_items import (
    ROLES,
    blocks_of_parts,
    content_of,
    message_items,
)
from chatstore.core.converters.responses_tools import item_call, item_result
from chatstore.core.errors import InvalidMessageError
from chatstore.core.messages import ChatMessage
from chatstore.core.pairing import unique_call_ids
from chatstore.core.tool_calls import is_empty_answer

_FORMAT = "openai_responses"
_INPUT_ROLES = ROLES.keys() - {"assistant"}


def from_responses(items: Iterable[Any]) -> list[ChatMessage]:
    """Return items of OpenAI's Responses API as messages.

    Items that the model wrote next to each other, such as reasoning, text and parallel calls,
    become one message, with the id of the text or of the first item. Other items become one
    message each. `to_responses` returns the items unchanged, since what the common fields do not
    hold is kept beside them: ids, status, annotations, encrypted reasoning, tools that OpenAI ran.

    Args:
        items: Input items, output items of responses, or both, as dicts or as the SDK's objects.

    Raises:
        InvalidMessageError: `items` is not a list of dicts or objects, or JSON cannot hold one.

    """
    return [_message(group) for group in _groups(plain_items(items, "items"))]


def to_responses(messages: Iterable[ChatMessage]) -> list[dict[str, Any]]:
    """Return messages as input items of OpenAI's Responses API.

    OpenAI accepts them if calls and results are complete, as in a window. Calls without an id, or
    with a repeated one, get another.

    Not in the result unless `from_responses` made the message, because OpenAI accepts them only
    as it created them: ids of messages; thinking. Not in the result, because the format lacks
    them: times, metadata and names of messages; messages of a model without text and calls;
    audio and video; media in messages of a model; blocks of unknown types.

    Raises:
        InvalidMessageError: `messages` is not a list of `ChatMessage`.

    """
    listed = check_messages(messages, "to_responses")
    return [item for items in items_by_message(listed) for item in items]


def items_by_message(messages: Sequence[ChatMessage]) -> list[list[dict[str, Any]]]:
    """Return the items of each message; see `to_responses`."""
    stored = (original_of(message, _FORMAT) for message in messages)
    originals = {index: one for index, one in enumerate(stored) if isinstance(one, list)}
    ids = unique_call_ids(messages, unchanged=originals)
    result: list[list[dict[str, Any]]] = []
    for index, message in enumerate(messages):
        if index in originals:
            result.append(originals[index])
        elif is_empty_answer(message):
            result.append([])
        else:
            result.append(message_items(message, index, ids))
    return result


@dataclass
class _Group:
    """Items that become one message."""

    items: list[dict[str, Any]] = field(default_factory=list)
    is_of_model: bool = False
    has_text: bool = False
    has_calls: bool = False

    def takes(self, item: Mapping[str, Any]) -> bool:
        """Return whether an item belongs to the same message."""
        if not self.is_of_model or not _is_of_model(item):
            return False
        begins = _is_message(item) or item.get("type") == "reasoning"
        return not (begins and self.has_text and not self.has_calls)

    def add(self, item: dict[str, Any]) -> None:
        """Add an item."""
        self.items.append(item)
        self.is_of_model = _is_of_model(item)
        self.has_text = self.has_text or _is_message(item)
        self.has_calls = self.has_calls or item_call(item) is not None


def _groups(items: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    groups: list[_Group] = []
    for item in items:
        if not groups or not groups[-1].takes(item):
            groups.append(_Group())
        groups[-1].add(item)
    return [group.items for group in groups]


def _is_message(item: Mapping[str, Any]) -> bool:
    return item.get("type", "message") == "message" and item.get("role") in ROLES


def _is_of_model(item: Mapping[str, Any]) -> bool:
    is_input = _is_message(item) and item["role"] in _INPUT_ROLES
    return not is_input and item_result(item) is None


def _message(items: list[dict[str, Any]]) -> ChatMessage:
    try:
        common = ChatMessage.model_validate({**_fields(items), "id": _id(items)})
        if to_responses([common]) == items:
            return common
        return keep_original(common, _FORMAT, items)
    except ValueError:
        pass
    raise InvalidMessageError("JSON cannot hold an item")  # outside: the cause quotes content


def _id(items: list[dict[str, Any]]) -> str | None:
    ids = [item["id"] for item in items if _is_message(item) and item.get("id")]
    ids += [item["id"] for item in items if item.get("id")]
    return ids[0] if ids else None


def _fields(items: list[dict[str, Any]]) -> dict[str, Any]:
    first = items[0]
    if _is_message(first) and len(items) == 1:
        return {"role": first["role"], "content": content_of(first.get("content"))}
    result = item_result(first)
    if result is not None:
        kwargs = {"tool_call_id": result.call_id}
        content = content_of(result.output)
        return {"role": "tool", "content": content, "additional_kwargs": kwargs}
    blocks = [block for item in items for block in _blocks(item)]
    return {"role": "assistant", "content": simplify(blocks)}


def _blocks(item: Mapping[str, Any]) -> list[BlockFields]:
    """Return the blocks for an item of the model's; some have none."""
    if _is_message(item):
        content = item.get("content")
        if isinstance(content, list):
            return blocks_of_parts(content)
        return [{"type": "text", "text": content}] if content else []
    if item.get("type") == "reasoning":
        parts = [*(item.get("summary") or []), *(item.get("content") or [])]
        text = "\n".join(part["text"] for part in parts if part.get("text"))
        return [{"type": "thinking", "thinking": text}] if text else []
    call = item_call(item)
    if call is None:
        return []
    arguments = call.arguments if isinstance(call.arguments, str) else "{}"
    return [{"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments}]
