"""Messages in the format of Anthropic's Messages API."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from chatstore.core.blocks import ContentBlock
from chatstore.core.contents import BlockFields
from chatstore.core.converters.content import common_block, common_blocks, decoded, text_block
from chatstore.core.converters.messages import check_messages
from chatstore.core.converters.originals import keep_original, original_of
from chatstore.core.converters.plain import plain, plain_items
from chatstore.core.errors import InvalidMessageError
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.pairing import CallIds, unique_call_ids
from chatstore.core.tool_calls import (
    MODEL_ROLES,
    Result,
    arguments_object,
    calls_of,
    is_empty_answer,
    results_of,
)

_FORMAT = "anthropic"
_SYSTEM_ROLES = {MessageRole.SYSTEM, MessageRole.DEVELOPER}
_ROLES = ("user", "assistant", "system")
_OF_USER = ("text", "image", "document")
_OF_MODEL = ("text", "thinking")
_RESPONSE_FIELDS = ("model", "stop_reason", "stop_sequence", "usage")
_IMAGE_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_ID = re.compile(r"[a-zA-Z0-9_-]+")


def from_anthropic(messages: Iterable[Any], system: Any = None) -> list[ChatMessage]:
    """Return messages in Anthropic's format, and a system prompt, as messages.

    Each message becomes one. `to_anthropic` returns it unchanged, since what the common fields do
    not hold is kept beside them, such as cache control, citations and tools of the server. A
    response keeps its id; its model, usage and reason to stop become metadata.

    Args:
        messages: Messages of a request, responses, or a mixture of both, as dicts or as the
            SDK's objects.
        system: The system prompt: text or text blocks.

    Raises:
        InvalidMessageError: `messages` is not a list of messages in this format, or JSON cannot
            hold one of them.

    """
    items = plain_items(messages, "Anthropic messages")
    converted = [] if system is None else [_from_system(plain(system))]
    return [*converted, *map(_from_message, items)]


def to_anthropic(messages: Iterable[ChatMessage]) -> dict[str, Any]:
    """Return the arguments ``messages`` and, if there is a system prompt, ``system`` of a request.

    Use them as ``client.messages.create(model=…, max_tokens=…, **to_anthropic(window))``.
    Anthropic accepts them if calls and results are complete, as in a window. Results of one
    message's calls become one user message. Calls without an id, with a repeated one or with one
    that Anthropic refuses get another. Arguments that are not a JSON object become the field
    ``arguments`` of one.

    Not in the result, because the format lacks them: ids, times, metadata and names of messages;
    the place of system messages that are not first; messages and text without any characters
    except spaces; thinking without a signature, or behind text and
    calls; audio and video; images other than JPEG, PNG, GIF
    and WebP; inline documents other than PDF and text; media in messages of a model or the
    system; blocks of unknown types.

    Raises:
        InvalidMessageError: `messages` is not a list of `ChatMessage`.

    """
    listed = check_messages(messages, "to_anthropic")
    stored = (original_of(message, _FORMAT) for message in listed)
    originals = {index: one for index, one in enumerate(stored) if isinstance(one, dict)}
    ids = unique_call_ids(listed, unchanged=originals)
    prompts: list[Any] = []
    converted: list[dict[str, Any]] = []
    for index, message in enumerate(listed):
        original = originals.get(index, {})
        if "role" in original:
            _append(converted, original)
        elif message.role in _SYSTEM_ROLES:
            prompt = original["system"] if original else _system(message)
            prompts += [prompt] if prompt else []
        else:
            content = _content(message, index, ids)
            role = "assistant" if message.role in MODEL_ROLES else "user"
            if content:
                _append(converted, {"role": role, "content": content})
    arguments: dict[str, Any] = {"messages": converted}
    if prompts:
        arguments["system"] = prompts[0] if len(prompts) == 1 else _joined(prompts)
    return arguments


def _from_system(system: Any) -> ChatMessage:
    blocks = system if isinstance(system, list) else []
    if not isinstance(system, str) and (not blocks or not all(map(_is_text, blocks))):
        raise InvalidMessageError("the system prompt must be text or a list of text blocks")
    content = system if isinstance(system, str) else [text_block(block["text"]) for block in blocks]
    return _with_original({"role": "system", "content": content}, {"system": system})


def _from_message(item: dict[str, Any]) -> ChatMessage:
    role, content = item.get("role"), item.get("content")
    if role not in _ROLES or not isinstance(content, (str, list)):
        raise InvalidMessageError(
            "a message in Anthropic's format has the role user, assistant or system, and content "
            "that is text or a list"
        )
    fields: dict[str, Any] = {"role": role, "content": content}
    if isinstance(content, list):
        fields["content"] = [block for part in content if (block := _from_block(part)) is not None]
    if item.get("id") is not None:
        fields["id"] = item["id"]
    metadata = {n: item[n] for n in _RESPONSE_FIELDS if item.get(n) is not None}
    return _with_original({**fields, "metadata": metadata}, {"role": role, "content": content})


def _with_original(fields: Mapping[str, Any], original: dict[str, Any]) -> ChatMessage:
    """Return a message, with its original if `to_anthropic` would return another."""
    try:
        common = ChatMessage.model_validate(fields)
        returned = to_anthropic([common])
        own = {"system": returned.get("system")} if "system" in original else None
        if original in (own, *returned["messages"]):
            return common
        return keep_original(common, _FORMAT, original)
    except ValueError:
        pass
    raise InvalidMessageError("JSON cannot hold a message")  # outside: the cause quotes content


def _from_block(part: Any) -> BlockFields | None:
    if not isinstance(part, Mapping):
        return None
    if part.get("type") == "tool_use":
        names = {"id": part.get("id"), "name": part.get("name")}
        return {"type": "tool_call", **names, "arguments": part.get("input")}
    if part.get("type") == "tool_result":
        result = {"type": "tool_result", "tool_use_id": part.get("tool_use_id")}
        content = part.get("content")
        if isinstance(content, list):
            blocks = (_from_block(block) for block in content)
            result["content"] = [block for block in blocks if block is not None]
        elif content is not None:
            result["content"] = content
        return {**result, "is_error": True} if part.get("is_error") else result
    return common_block(part)


def _content(message: ChatMessage, index: int, ids: CallIds) -> str | list[BlockFields]:
    """Return the content of a message, which is empty if there is nothing to send."""
    if message.role in MODEL_ROLES:
        return "" if is_empty_answer(message) else _answer(message, index, ids)
    results = [
        {
            **_result(result, ids.results.get((index, number), result.id)),
            **({"is_error": True} if result.is_error else {}),
        }
        for number, result in enumerate(results_of(message))
    ]
    if message.role is not MessageRole.USER:
        return results
    if isinstance(message.content, str):
        return message.content if message.content.strip() else ""
    return [*results, *_blocks(message.content, _OF_USER)]


def _answer(message: ChatMessage, index: int, ids: CallIds) -> str | list[BlockFields]:
    calls = [
        {
            "type": "tool_use",
            "id": _safe_id(ids.calls[index, number]),
            "name": call.name,
            "input": arguments_object(call.arguments),
        }
        for number, call in enumerate(calls_of(message))
    ]
    refusal = message.additional_kwargs.get("refusal")
    if isinstance(message.content, str) and not calls and not refusal:
        return message.content if message.content.strip() else ""
    refused = [text_block(refusal)] if isinstance(refusal, str) and refusal.strip() else []
    blocks = [*_blocks(message.content, _OF_MODEL), *refused, *calls]
    while blocks and blocks[-1]["type"] == "thinking":  # Anthropic refuses it at the end
        blocks.pop()
    return blocks


def _blocks(
    content: str | Iterable[ContentBlock] | None, accepted: Collection[str]
) -> list[BlockFields]:
    blocks = (_block(block) for block in common_blocks(content) if block["type"] in accepted)
    return [block for block in blocks if block is not None]


def _block(block: BlockFields) -> BlockFields | None:
    kind = block["type"]
    if kind == "text":
        return block if block["text"].strip() else None
    if kind == "thinking":
        return block if block.get("signature") else None
    source = _source(kind, block)
    if source is None:
        return None
    named = {"title": block["name"]} if kind == "document" and block.get("name") else {}
    return {"type": kind, "source": source, **named}


def _source(kind: str, block: BlockFields) -> dict[str, Any] | None:
    if kind not in {"image", "document"}:
        return None
    if block.get("url"):
        return {"type": "url", "url": block["url"]}
    data, media_type = block.get("data"), block.get("media_type")
    if not data:
        return None
    if kind == "document" and media_type is not None and media_type.startswith("text/"):
        text = decoded(data)
        return None if text is None else {"type": "text", "media_type": "text/plain", "data": text}
    media_type = media_type or ("image/png" if kind == "image" else "application/pdf")
    if media_type not in (_IMAGE_TYPES if kind == "image" else {"application/pdf"}):
        return None
    return {"type": "base64", "media_type": media_type, "data": data}


def _result(result: Result, call_id: str) -> BlockFields:
    content = result.content
    block: BlockFields = {"type": "tool_result", "tool_use_id": _safe_id(call_id)}
    if isinstance(content, list):
        return {**block, "content": _blocks(content, _OF_USER)}
    return {**block, "content": content}


def _append(converted: list[dict[str, Any]], message: dict[str, Any]) -> None:
    """Append a message; results directly behind results become a part of the same message."""
    if converted and _begins_with_result(converted[-1]) and _begins_with_result(message):
        before = converted.pop()
        message = {**before, "content": [*before["content"], *message["content"]]}
    converted.append(message)


def _begins_with_result(message: Mapping[str, Any]) -> bool:
    content = message["content"]
    if message["role"] != "user" or not isinstance(content, list) or not content:
        return False
    return isinstance(content[0], Mapping) and content[0].get("type") == "tool_result"


def _system(message: ChatMessage) -> str | list[BlockFields]:
    if isinstance(message.content, str):
        return message.content if message.content.strip() else ""
    return _blocks(message.content, {"text"})


def _joined(prompts: Iterable[Any]) -> list[BlockFields]:
    blocks: list[BlockFields] = []
    for prompt in prompts:
        blocks += [text_block(prompt)] if isinstance(prompt, str) else prompt
    return blocks


def _safe_id(call_id: str) -> str:
    """Return an id that Anthropic accepts."""
    if _ID.fullmatch(call_id):
        return call_id
    return "call_" + hashlib.blake2b(call_id.encode(), digest_size=12).hexdigest()


def _is_text(block: Any) -> bool:
    return isinstance(block, Mapping) and isinstance(block.get("text"), str)
