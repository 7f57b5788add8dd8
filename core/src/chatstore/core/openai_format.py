"""Messages in the format of OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, overload

from chatstore.core.blocks import AudioBlock, ContentBlock, DocumentBlock, ImageBlock, TextBlock
from chatstore.core.errors import InvalidMessageError
from chatstore.core.messages import PAYLOADS_KEY, ChatMessage, MessageRole
from chatstore.core.pairing import pair_calls
from chatstore.core.tool_calls import (
    CALL_BLOCKS,
    Result,
    calls_of,
    is_empty_answer,
    result_blocks,
    results_of,
)

_ROLES = {MessageRole.CHATBOT: "assistant", MessageRole.MODEL: "assistant"}
_AUDIO_FORMATS = {"mpeg": "mp3", "mp3": "mp3", "wav": "wav", "x-wav": "wav", "wave": "wav"}


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


@overload
def to_openai(message: ChatMessage) -> dict[str, Any]: ...
@overload
def to_openai(message: Iterable[ChatMessage]) -> list[dict[str, Any]]: ...
def to_openai(
    message: ChatMessage | Iterable[ChatMessage],
) -> dict[str, Any] | list[dict[str, Any]]:
    """Return messages in OpenAI's format; those from `from_openai` come back unchanged.

    For a list, the result is a list that OpenAI accepts if calls and results are complete, as in
    a window. Text, images, audio and files become content parts; calls in blocks become
    ``tool_calls``; results in blocks become tool messages, and text beside them becomes a user
    message behind these. Thinking is left out, since the format lacks it. Other blocks stay as
    they are.

    In a list, empty assistant messages are left out, calls without an id that is unique in their
    message get one, and media in results are moved to a user message behind the results, since
    tool messages contain only text.

    Raises:
        InvalidMessageError: A single message contains several results, or results and text, and
            would become several messages. Pass it in a list.

    """
    if not isinstance(message, ChatMessage):
        return _messages(list(message))
    if result_blocks(message):
        results, text = _split(message)
        if text is not None or len(results) != 1:
            raise InvalidMessageError(
                "a message with several tool results, or with results and text, is several "
                "messages in OpenAI's format: call to_openai with a list of messages"
            )
        tool, _ = _tool_message(results[0], results[0].id)
        return tool
    return _message(message)


def _messages(messages: list[ChatMessage]) -> list[dict[str, Any]]:
    call_ids, result_ids = _unique_ids(messages)
    converted: list[dict[str, Any]] = []
    media: list[dict[str, Any]] = []  # of the results since the last other message
    missing = 0  # results of the newest calls
    for index, message in enumerate(messages):
        if is_empty_answer(message):
            continue
        results, text = _split(message)
        missing -= len(results)
        for number, result in enumerate(results):
            tool, parts = _tool_message(result, result_ids.get((index, number), result.id))
            if not result_blocks(message):
                tool = {**_message(message), **tool}
            converted.append(tool)
            media += parts
        if text is None:
            continue
        if media:
            converted.append({"role": "user", "content": media})
            media = []
        rest = _message(text)
        if rest.get("tool_calls"):
            rest["tool_calls"] = [
                {**call, "id": call_ids[index, number]} if (index, number) in call_ids else call
                for number, call in enumerate(rest["tool_calls"])
            ]
        converted.append(rest)
        missing = len(calls_of(message))
    if media and missing <= 0:  # no message may precede the missing results
        converted.append({"role": "user", "content": media})
    return converted


def _unique_ids(
    messages: list[ChatMessage],
) -> tuple[dict[tuple[int, int], str], dict[tuple[int, int], str]]:
    """Return new ids for calls without an id that is unique in their message, and for results."""
    of_calls: dict[tuple[int, int], str] = {}
    for index, message in enumerate(messages):
        seen: set[str] = set()
        for number, call in enumerate(calls_of(message)):
            is_legacy = "function_call" in message.additional_kwargs
            if (not call.id or call.id in seen) and not is_legacy:
                of_calls[index, number] = f"call_{index}_{number}"
            seen.add(call.id)
    of_results: dict[tuple[int, int], str] = {}
    for pair in pair_calls(messages):
        call = calls_of(messages[pair.call_message])[pair.call]
        call_id = of_calls.get((pair.call_message, pair.call), call.id)
        if call_id:
            of_results[pair.result_message, pair.result] = call_id
    return of_calls, of_results


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


def _tool_message(result: Result, call_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a result as a tool message, and its media as parts of a user message."""
    tool: dict[str, Any] = {"role": "tool", "content": result.content}
    if call_id:
        tool["tool_call_id"] = call_id
    media: list[dict[str, Any]] = []
    if isinstance(result.content, list):
        parts = [_part(block) for block in result.content]
        tool["content"] = [part for part in parts if part["type"] == "text"]
        media = [part for part in parts if part["type"] != "text"]
        if media and not tool["content"]:
            tool["content"] = "The result is in the next user message."
    return tool, media


def _message(message: ChatMessage) -> dict[str, Any]:
    converted: dict[str, Any] = {"role": _ROLES.get(message.role, MessageRole(message.role).value)}
    if message.content is not None or "content" in message.model_fields_set:
        converted["content"] = message.content
    converted.update(
        {name: v for name, v in message.additional_kwargs.items() if name != PAYLOADS_KEY}
    )
    if not isinstance(message.content, list):
        return converted
    calls = calls_of(message)[len(calls_of(message.model_copy(update={"content": None}))) :]
    if calls:
        functions = [call.to_openai() for call in calls]
        converted["tool_calls"] = [*(converted.get("tool_calls") or ()), *functions]
    left_out = {*CALL_BLOCKS, "thinking"} if message.role is MessageRole.ASSISTANT else set()
    parts = [_part(block) for block in message.content if block.type not in left_out]
    converted["content"] = parts if parts or not message.content else None
    return converted


def _part(block: ContentBlock) -> dict[str, Any]:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text, **(block.model_extra or {})}
    if isinstance(block, (ImageBlock, AudioBlock, DocumentBlock)):
        return _media_part(block) or block.model_dump(exclude_unset=True)
    return block.model_dump(exclude_unset=True)


def _media_part(block: ImageBlock | AudioBlock | DocumentBlock) -> dict[str, Any] | None:
    """Return the content part for a media block in this package's or Anthropic's form."""
    extra = dict(block.model_extra or {})
    url, data, media_type = block.url, block.data, block.media_type
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
        file = {"filename": block.name or extra.pop("title", None) or "document"}
        return {"type": "file", "file": {**file, "file_data": address}, **extra}
    return None
