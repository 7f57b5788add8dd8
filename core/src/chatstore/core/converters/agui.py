"""Messages of the Agent User Interaction Protocol (AG-UI)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chatstore.core.codec import new_id
from chatstore.core.contents import BlockFields
from chatstore.core.converters.content import (
    MEDIA_TYPES,
    common_blocks,
    media_type_of,
    text_block,
    texts_of,
)
from chatstore.core.converters.messages import check_messages
from chatstore.core.converters.originals import keep_original, original_of, without_metadata
from chatstore.core.converters.plain import plain_items
from chatstore.core.errors import InvalidMessageError
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.pairing import CallIds, unique_call_ids
from chatstore.core.tool_calls import (
    MODEL_ROLES,
    TOOL_ROLES,
    Result,
    calls_of,
    result_blocks,
    results_of,
)

_FORMAT = "agui"
_TEXT_ROLES = ("system", "developer")
_ROLES = (*_TEXT_ROLES, "user", "assistant", "tool", "activity", "reasoning")


def from_agui(messages: Iterable[Any]) -> list[ChatMessage]:
    """Return AG-UI's messages as messages, one to one, with their ids and metadata.

    Reasoning becomes a message of the assistant with thinking, an activity one without content.
    `to_agui` returns the messages unchanged, since what the common fields do not hold is kept
    beside them: activities, errors of tools, encrypted values, handles of uploaded files.

    Args:
        messages: The messages, as dicts or as the SDK's objects.

    Raises:
        InvalidMessageError: `messages` is not a list of messages of AG-UI, or JSON cannot hold one.

    """
    return [_from_item(item) for item in plain_items(messages, "AG-UI messages")]


def to_agui(messages: Iterable[ChatMessage]) -> list[dict[str, Any]]:
    """Return messages as AG-UI's, with their ids and metadata.

    A message with several results, or with results and a question, becomes several messages, and
    so does one with thinking and an answer; the additional ones have ids made of the message's.
    Messages without an id, and calls without an id or with a repeated one, get one.

    Not in the result, because the protocol lacks them: times of messages; names of tools'
    messages; signatures of thinking; media in messages of a model, the system or a developer;
    media without data or a URL; names of files; thinking of others than a model; messages of
    the user, the system or a developer without content; blocks of unknown types.

    Raises:
        InvalidMessageError: `messages` is not a list of `ChatMessage`.

    """
    listed = check_messages(messages, "to_agui")
    stored = (original_of(message, _FORMAT) for message in listed)
    originals = {index: one for index, one in enumerate(stored) if isinstance(one, dict)}
    ids = unique_call_ids(listed, unchanged=originals)
    converted: list[dict[str, Any]] = []
    for index, message in enumerate(listed):
        original = originals.get(index)
        pieces = [original] if original is not None else _pieces(message, index, ids)
        message_id = message.id or (original or {}).get("id") or new_id()
        for number, piece in enumerate(pieces):
            is_main = number == len(pieces) - 1
            piece_id = message_id if is_main else f"{message_id}:{number}"
            fields = {name: value for name, value in piece.items() if name != "metadata"}
            if is_main and (message.metadata or piece.get("metadata") == {}):
                fields["metadata"] = message.metadata
            converted.append({**fields, "id": piece_id})
    return converted


def _pieces(message: ChatMessage, index: int, ids: CallIds) -> list[dict[str, Any]]:
    """Return the messages for a message, without ids; the last one is the message itself."""
    if message.role in MODEL_ROLES:
        return _answer(message, index, ids)
    results = [
        _tool_message(result, ids.results.get((index, number)) or result.id or f"{index}-{number}")
        for number, result in enumerate(results_of(message))
    ]
    if message.role in TOOL_ROLES:
        return results
    role, name = MessageRole(message.role).value, message.additional_kwargs.get("name")
    named = {"name": name} if isinstance(name, str) else {}
    content: str | list[dict[str, Any]]
    if isinstance(message.content, str):
        content = message.content
    elif role in _TEXT_ROLES:
        content = texts_of(common_blocks(message.content))
    else:
        content = _parts(common_blocks(message.content))
    is_empty = not content and (message.content != "" or bool(result_blocks(message)))
    return results if is_empty else [*results, {"role": role, **named, "content": content}]


def _tool_message(result: Result, call_id: str) -> dict[str, Any]:
    content = result.content
    body = content if isinstance(content, str) else _parts(common_blocks(content))
    return {"role": "tool", "toolCallId": call_id, "content": body}


def _answer(message: ChatMessage, index: int, ids: CallIds) -> list[dict[str, Any]]:
    blocks = common_blocks(message.content)
    thinking = "\n".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    reasoning = [{"role": "reasoning", "content": thinking}] if thinking else []
    name, refusal = (message.additional_kwargs.get(field) for field in ("name", "refusal"))
    answer: dict[str, Any] = {"role": "assistant"}
    if isinstance(name, str):
        answer["name"] = name
    text = texts_of([*blocks, *([text_block(refusal)] if isinstance(refusal, str) else [])])
    if text or isinstance(message.content, str):
        answer["content"] = text
    calls = calls_of(message)
    if calls:
        answer["toolCalls"] = [
            {**call.to_openai(), "id": ids.calls[index, number]}
            for number, call in enumerate(calls)
        ]
    is_empty = reasoning and not text and not calls
    return reasoning if is_empty else [*reasoning, answer]


def _parts(blocks: Iterable[BlockFields]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "text":
            parts.append({"type": "text", "text": block["text"]})
        elif block["type"] in MEDIA_TYPES and (source := _source(block)) is not None:
            parts.append({"type": block["type"], "source": source})
    return parts


def _source(block: BlockFields) -> dict[str, Any] | None:
    if block.get("data"):
        return {"type": "data", "value": block["data"], "mimeType": media_type_of(block)}
    if not block.get("url"):
        return None
    typed = {"mimeType": block["media_type"]} if block.get("media_type") else {}
    return {"type": "url", "value": block["url"], **typed}


def _from_item(item: dict[str, Any]) -> ChatMessage:
    role = item.get("role")
    if role not in _ROLES or not isinstance(item.get("id"), str):
        raise InvalidMessageError(
            f"a message of AG-UI has an id that is a string, and one of the roles {list(_ROLES)}"
        )
    metadata = item.get("metadata")
    try:
        common = ChatMessage.model_validate(
            {
                **_common_fields(role, item),
                "id": item["id"],
                "metadata": {} if metadata is None else metadata,
            }
        )
        if to_agui([common]) != [item]:
            return keep_original(common, _FORMAT, without_metadata(item))
    except ValueError:
        pass
    else:
        return common
    raise InvalidMessageError(  # outside: the cause quotes content
        "a message of AG-UI has a value of the wrong type, or one that JSON cannot hold"
    )


def _common_fields(role: str, item: Mapping[str, Any]) -> dict[str, Any]:
    content = item.get("content")
    kwargs = {"name": item["name"]} if isinstance(item.get("name"), str) else {}
    if role == "activity":
        return {"role": "assistant"}
    if role == "reasoning":
        thinking = [{"type": "thinking", "thinking": content}] if content else None
        return {"role": "assistant", "content": thinking}
    if isinstance(content, list):
        content = [block for part in content if (block := _block(part)) is not None]
    if role == "tool":
        kwargs = {"tool_call_id": item.get("toolCallId")}
    elif role == "assistant" and item.get("toolCalls"):
        kwargs = {**kwargs, "tool_calls": [_call(call) for call in item["toolCalls"]]}
    fields = {"role": role, "additional_kwargs": kwargs}
    return {**fields, "content": content} if content is not None else fields


def _call(call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        raise ValueError("a tool call has a function")  # noqa: TRY004 - the caller catches it
    names = {name: function.get(name) for name in ("name", "arguments")}
    return {"id": call.get("id"), "type": "function", "function": names}


def _block(part: Any) -> BlockFields | None:
    """Return a part as a block, also one of the older type ``binary``."""
    if not isinstance(part, Mapping):
        return None
    kind, source = part.get("type"), part.get("source")
    if kind == "text" and isinstance(part.get("text"), str):
        return text_block(part["text"])
    if kind == "binary":
        source, kind = _binary_source(part), _kind_of(part.get("mimeType"))
    if kind not in MEDIA_TYPES or not isinstance(source, Mapping):
        return None
    field = {"data": "data", "url": "url"}.get(str(source.get("type")))
    if field is None or not isinstance(source.get("value"), str):
        return None
    typed = {"media_type": source["mimeType"]} if isinstance(source.get("mimeType"), str) else {}
    return {"type": kind, field: source["value"], **typed}


def _binary_source(part: Mapping[str, Any]) -> dict[str, Any] | None:
    for name in ("data", "url"):
        if part.get(name):
            return {"type": name, "value": part[name], "mimeType": part.get("mimeType")}
    return None


def _kind_of(media_type: Any) -> str:
    kind = str(media_type).partition("/")[0]
    return kind if kind in MEDIA_TYPES else "document"
