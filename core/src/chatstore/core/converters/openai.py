"""Messages in the format of OpenAI's Chat Completions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from chatstore.core.blocks import AudioBlock, ContentBlock, DocumentBlock, ImageBlock, TextBlock
from chatstore.core.converters.messages import check_messages
from chatstore.core.messages import PAYLOADS_KEY, ChatMessage, MessageRole
from chatstore.core.pairing import pair_calls
from chatstore.core.tool_calls import (
    CALL_BLOCKS,
    MODEL_ROLES,
    RESULT_BLOCKS,
    Result,
    calls_of,
    is_empty_answer,
    result_blocks,
    results_of,
)

_AUDIO_FORMATS = {"mpeg": "mp3", "mp3": "mp3", "wav": "wav", "x-wav": "wav", "wave": "wav"}
_PARTS = {"user": {"text", "image_url", "input_audio", "file"}, "assistant": {"text", "refusal"}}
_ALL_PARTS = {"text", "refusal", "image_url", "input_audio", "file"}
_WITHOUT_PART = {*CALL_BLOCKS, *RESULT_BLOCKS, "thinking", "redacted_thinking", "reasoning"}
_MAX_ID_LENGTH = 40  # of a call, in characters
_MEDIA_FOLLOW = "The result is in the next user message."


def from_openai(message: Mapping[str, Any]) -> ChatMessage:
    """Return a message in OpenAI's format as a `ChatMessage`.

    Fields other than role and content become `additional_kwargs`.

    Raises:
        pydantic.ValidationError: The role is unknown, or a value is not JSON.

    """
    rest = {name: value for name, value in message.items() if name not in {"role", "content"}}
    fields: dict[str, Any] = {"additional_kwargs": rest}
    if "role" in message:
        fields["role"] = message["role"]
    if "content" in message:
        fields["content"] = message["content"]
    return ChatMessage(**fields)


def to_openai(messages: Iterable[ChatMessage]) -> list[dict[str, Any]]:
    """Return messages in OpenAI's format; those from `from_openai` come back unchanged.

    OpenAI accepts the list if calls and results are complete, as in a window. Images, audio and
    files become content parts; calls in blocks become ``tool_calls``; results in blocks become
    tool messages, and what is beside them becomes a user message behind these. Media in results
    are moved to a user message behind the results, since tool messages contain only text. Calls
    get an id of at most 40 characters that is unique in their message. Blocks of unknown types
    are sent as they are.

    Not in the result, because the format lacks them: ids, times and metadata of messages;
    messages of a model without text and calls; messages of others without content; thinking;
    video; audio and files by URL; media in messages of a model, the system or a developer.

    Raises:
        InvalidMessageError: `messages` is not a list of `ChatMessage`.

    """
    listed = check_messages(messages, "to_openai")
    call_ids, result_ids = _unique_ids(listed)
    converted: list[dict[str, Any]] = []
    media: list[dict[str, Any]] = []  # of the results since the last other message
    missing = 0  # results of the newest calls
    for index, message in enumerate(listed):
        if is_empty_answer(message):
            continue
        results, rest = _split(message)
        missing -= len(results)
        for number, result in enumerate(results):
            call_id = result_ids.get((index, number), _short(result.id))
            own = {} if result_blocks(message) else _message(message)
            tool, parts = _tool_message(result, call_id, own)
            converted.append(tool)
            media += parts
        sent = None if rest is None else _message(rest)
        if rest is None or sent is None or not _has_content(sent):
            continue
        if media:
            converted.append({"role": "user", "content": media})
            media = []
        if sent.get("tool_calls"):
            sent["tool_calls"] = [
                {**call, "id": call_ids[index, number]} if (index, number) in call_ids else call
                for number, call in enumerate(sent["tool_calls"])
            ]
        converted.append(sent)
        missing = len(calls_of(rest))
    if media and missing <= 0:  # no message may precede the missing results
        converted.append({"role": "user", "content": media})
    return converted


def _unique_ids(
    messages: list[ChatMessage],
) -> tuple[dict[tuple[int, int], str], dict[tuple[int, int], str]]:
    """Return the ids of calls that must be replaced, and the ids of calls that results answer."""
    of_calls: dict[tuple[int, int], str] = {}
    for index, message in enumerate(messages):
        if _is_legacy(message):
            continue
        seen: set[str] = set()
        for number, call in enumerate(calls_of(message)):
            if not call.id or call.id in seen:
                of_calls[index, number] = f"call_{index}_{number}"
            elif _short(call.id) != call.id:
                of_calls[index, number] = _short(call.id)
            seen.add(call.id)
    of_results: dict[tuple[int, int], str] = {}
    for pair in pair_calls(messages):
        message = messages[pair.call_message]
        call = calls_of(message)[pair.call]
        own_id = "" if _is_legacy(message) else call.id
        call_id = of_calls.get((pair.call_message, pair.call), own_id)
        of_results[pair.result_message, pair.result] = call_id
    return of_calls, of_results


def _short(call_id: str) -> str:
    if len(call_id) <= _MAX_ID_LENGTH:
        return call_id
    return "call_" + hashlib.blake2b(call_id.encode(), digest_size=16).hexdigest()


def _is_legacy(message: ChatMessage) -> bool:
    """Return whether a message's only call is OpenAI's older ``function_call``, without an id."""
    calls = calls_of(message)
    function = message.additional_kwargs.get("function_call")
    is_alone = isinstance(function, dict) and not message.additional_kwargs.get("tool_calls")
    return is_alone and len(calls) == 1 and not calls[0].id


def _split(message: ChatMessage) -> tuple[list[Result], ChatMessage | None]:
    """Return a message's results, and the rest of it if there is any."""
    results = results_of(message)
    indexes = result_blocks(message)
    if not results:
        return [], message
    if not indexes or not isinstance(message.content, list):
        return results, None
    rest = [block for index, block in enumerate(message.content) if index not in indexes]
    return results, message.model_copy(update={"content": rest}) if rest else None


def _tool_message(
    result: Result, call_id: str, own: Mapping[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a result as a message, and its media as parts of a user message.

    Args:
        result: The result.
        call_id: The id of its call; without one, the result answers a ``function_call``.
        own: The fields of the message, if it is the result and nothing else.

    """
    content: Any = result.content
    media: list[dict[str, Any]] = []
    if isinstance(content, list):
        parts = [_result_part(block) for block in content]
        content = [part for part in parts if part is not None and part["type"] == "text"]
        media = [part for part in parts if part is not None and part["type"] != "text"]
        if not content:
            content = _MEDIA_FOLLOW if media else ""
    if not call_id and result.name:
        text = content if isinstance(content, str) else "\n".join(part["text"] for part in content)
        return {**own, "role": "function", "name": result.name, "content": text}, media
    tool = {**own, "role": "tool", "content": content}
    if call_id:
        tool["tool_call_id"] = call_id
    return tool, media


def _result_part(block: ContentBlock) -> dict[str, Any] | None:
    """Return a part for a block of a result; a block of an unknown type becomes JSON text."""
    part = _part(block)
    if part is None or part["type"] in _PARTS["user"]:
        return part
    return {"type": "text", "text": json.dumps(part, ensure_ascii=False)}


def _message(message: ChatMessage) -> dict[str, Any]:
    is_model = message.role in MODEL_ROLES
    converted: dict[str, Any] = {
        "role": "assistant" if is_model else MessageRole(message.role).value
    }
    if message.content is not None or "content" in message.model_fields_set:
        converted["content"] = message.content
    kwargs = message.additional_kwargs
    converted.update({name: v for name, v in kwargs.items() if name != PAYLOADS_KEY})
    if not (is_model and converted.get("tool_calls")):  # OpenAI refuses null and an empty list
        converted.pop("tool_calls", None)
    if not isinstance(message.content, list):
        return converted
    calls = calls_of(message)[len(calls_of(message.model_copy(update={"content": None}))) :]
    if calls:
        functions = [call.to_openai() for call in calls]
        converted["tool_calls"] = [*(converted.get("tool_calls") or ()), *functions]
    accepted = _PARTS.get(converted["role"], {"text"})
    parts = [part for block in message.content if (part := _part(block)) is not None]
    parts = [part for part in parts if part["type"] in accepted or part["type"] not in _ALL_PARTS]
    converted["content"] = parts or None
    return converted


def _has_content(message: Mapping[str, Any]) -> bool:
    """Return whether OpenAI accepts a message that is not a result."""
    content = message.get("content")
    if message["role"] != "assistant":
        return content is not None
    if isinstance(content, list):
        content = [part for part in content if part["type"] != "text" or part["text"]]
    names = ("tool_calls", "function_call", "refusal", "audio")
    return bool(content) or any(message.get(name) for name in names)


def _part(block: ContentBlock) -> dict[str, Any] | None:
    """Return the content part for a block, or ``None`` if the format lacks it."""
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text, **(block.model_extra or {})}
    if isinstance(block, (ImageBlock, AudioBlock, DocumentBlock)):
        return _media_part(block)
    if block.type in _WITHOUT_PART or block.type == "video":
        return None
    return block.model_dump(exclude_unset=True)


def _media_part(block: ImageBlock | AudioBlock | DocumentBlock) -> dict[str, Any] | None:
    """Return the content part for a media block in this package's or Anthropic's form."""
    extra = dict(block.model_extra or {})
    url, data, media_type = block.url, block.data, block.media_type
    name = extra.pop("name", None) or extra.pop("title", None)
    source = extra.pop("source", None)
    if isinstance(source, dict):
        url, media_type = source.get("url", url), source.get("media_type", media_type)
        data = source.get("data", data)
        if source.get("type") == "text":
            return {"type": "text", "text": data, **extra}
    if isinstance(block, ImageBlock) and (url or data):
        address = url or f"data:{media_type or 'image/png'};base64,{data}"
        return {"type": "image_url", "image_url": {"url": address}, **extra}
    if isinstance(block, AudioBlock) and data:
        kind = (media_type or "audio/wav").rpartition("/")[2]
        audio = {"data": data, "format": _AUDIO_FORMATS.get(kind, kind)}
        return {"type": "input_audio", "input_audio": audio, **extra}
    if isinstance(block, DocumentBlock) and data:
        address = f"data:{media_type or 'application/pdf'};base64,{data}"
        file = {"filename": block.name or name or "document"}
        return {"type": "file", "file": {**file, "file_data": address}, **extra}
    return None
