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
    result_blocks,
    results_of,
    is_empty_answer,
)

_ROLES = {MessageRole.CHATBOT: "assistant", MessageRole.MODEL: "assistant"}
_AUDIO_FORMATS = {"mpeg": "mp3", "mp3": "mp3", "wav": "wav", "x-wav": "wav", "wave": "wav"}


def from_openai(message: Mapping[str, Any]) -> ChatMessage:
    """Return a message of OpenAI's format; fields other than role and content are kwargs.

    The format has no field ``native``: that name is for frameworks' own forms of a message, which
    `to_openai` leaves out.

    Raises:
        pydantic.ValidationError: Its role is not known, or it holds something that is not JSON.

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
    """Return messages in OpenAI's format: what `from_openai` took, exactly, and others turned.

    A single message gives one, a list of messages a list, which OpenAI accepts if calls and
    results are complete (as in a window). Text, images, sounds and files become content parts;
    calls in blocks become ``tool_calls``; results in blocks become tool messages, and words
    beside them a user message behind these. Thinking is left out: the format has no place for it.
    Other blocks stay as they are.

    In a list, assistant messages that say nothing are left out, calls without an id or with an id
    that is not unique in their message get one, and media in results come in a user message
    behind the results, since tool messages hold text only.

    Raises:
        InvalidMessageError: A single message holds several results, or results and words: it is
            several messages in this format. Pass it in a list.

    """
    if not isinstance(message, ChatMessage):
        return _messages(list(message))
    if result_blocks(message):
        results, words = _split(message)
        if words is not None or len(results) != 1:
            raise InvalidMessageError(
                "a message with several tool results, or with results and words, is several "
                "messages in OpenAI's format: call to_openai with a list of messages"
            )
        tool, _ = _tool_message(results[0], results[0].id)
        return tool
    return _message(message)


def _messages(messages: list[ChatMessage]) -> list[dict[str, Any]]:
    call_ids, result_ids = _unique_ids(messages)
    turned: list[dict[str, Any]] = []
    media: list[dict[str, Any]] = []  # of the results since the last other message
    missing = 0  # results of the last calls
    for place, message in enumerate(messages):
        if is_empty_answer(message):
            continue
        results, words = _split(message)
        missing -= len(results)
        for number, result in enumerate(results):
            tool, parts = _tool_message(result, result_ids.get((place, number), result.id))
            if not result_blocks(message):
                tool = {**_message(message), **tool}
            turned.append(tool)
            media += parts
        if words is None:
            continue
        if media:
            turned.append({"role": "user", "content": media})
            media = []
        made = _message(words)
        if made.get("tool_calls"):
            made["tool_calls"] = [
                {**call, "id": call_ids[place, number]} if (place, number) in call_ids else call
                for number, call in enumerate(made["tool_calls"])
            ]
        turned.append(made)
        missing = len(calls_of(message))
    if media and missing <= 0:  # while results are missing, nothing may come between
        turned.append({"role": "user", "content": media})
    return turned


def _unique_ids(
    messages: list[ChatMessage],
) -> tuple[dict[tuple[int, int], str], dict[tuple[int, int], str]]:
    """Return new ids for calls whose id is missing or not unique in their message, and results."""
    of_calls: dict[tuple[int, int], str] = {}
    for place, message in enumerate(messages):
        seen: set[str] = set()
        for number, call in enumerate(calls_of(message)):
            is_legacy = "function_call" in message.additional_kwargs
            if (not call.id or call.id in seen) and not is_legacy:
                of_calls[place, number] = f"call_{place}_{number}"
            seen.add(call.id)
    of_results: dict[tuple[int, int], str] = {}
    for pair in pair_calls(messages):
        call = calls_of(messages[pair.call_message])[pair.call]
        identity = of_calls.get((pair.call_message, pair.call), call.id)
        if identity:
            of_results[pair.result_message, pair.result] = identity
    return of_calls, of_results


def _split(message: ChatMessage) -> tuple[list[Result], ChatMessage | None]:
    """Return a message's results, and the rest of it if there is any."""
    results = results_of(message)
    places = result_blocks(message)
    if not results:
        return [], message
    if not places or not isinstance(message.content, list):
        return results, None
    rest = [block for place, block in enumerate(message.content) if place not in places]
    return results, message.model_copy(update={"content": rest}) if rest else None


def _tool_message(result: Result, identity: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a result as a tool message, and its media as parts of a user message."""
    tool: dict[str, Any] = {"role": "tool", "content": result.content}
    if identity:
        tool["tool_call_id"] = identity
    media: list[dict[str, Any]] = []
    if isinstance(result.content, list):
        parts = [_part(block) for block in result.content]
        tool["content"] = [part for part in parts if part["type"] == "text"]
        media = [part for part in parts if part["type"] != "text"]
        if media and not tool["content"]:
            tool["content"] = "The result is in the next user message."
    return tool, media


def _message(message: ChatMessage) -> dict[str, Any]:
    turned: dict[str, Any] = {"role": _ROLES.get(message.role, MessageRole(message.role).value)}
    if message.content is not None or "content" in message.model_fields_set:
        turned["content"] = message.content
    turned.update(
        {name: v for name, v in message.additional_kwargs.items() if name != PAYLOADS_KEY}
    )
    if not isinstance(message.content, list):
        return turned
    calls = calls_of(message)[len(calls_of(message.model_copy(update={"content": None}))) :]
    if calls:
        made = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, name, arguments in calls  # noqa: A001
        ]
        turned["tool_calls"] = [*(turned.get("tool_calls") or ()), *made]
    left_out = {*CALL_BLOCKS, "thinking"} if message.role is MessageRole.ASSISTANT else set()
    parts = [_part(block) for block in message.content if block.type not in left_out]
    turned["content"] = parts if parts or not message.content else None
    return turned


def _part(block: ContentBlock) -> dict[str, Any]:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text, **(block.model_extra or {})}
    if isinstance(block, (ImageBlock, AudioBlock, DocumentBlock)):
        return _media_part(block) or block.model_dump(exclude_unset=True)
    return block.model_dump(exclude_unset=True)


def _media_part(block: ImageBlock | AudioBlock | DocumentBlock) -> dict[str, Any] | None:
    """Return the part for a block of media in this package's or Anthropic's form."""
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
        sound = {"data": data, "format": _AUDIO_FORMATS.get(kind, kind)}
        return {"type": "input_audio", "input_audio": sound, **extra}
    if isinstance(block, DocumentBlock) and data:
        address = f"data:{media_type or 'application/pdf'};base64,{data}"
        file = {"filename": block.name or extra.pop("title", None) or "document"}
        return {"type": "file", "file": {**file, "file_data": address}, **extra}
    return None
