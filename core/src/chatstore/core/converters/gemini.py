"""Messages in the format of Google's Gemini API."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_json

from chatstore.core.converters.content import MEDIA_TYPES, common_blocks, text_block, texts_of
from chatstore.core.converters.gemini_parts import (
    NO_SIGNATURE,
    Part,
    block_of,
    call_part,
    get,
    parts_of,
    response_part,
)
from chatstore.core.converters.messages import check_messages
from chatstore.core.converters.originals import keep_original, original_of
from chatstore.core.converters.plain import plain, plain_items
from chatstore.core.errors import InvalidMessageError
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.pairing import pair_calls, unique_call_ids
from chatstore.core.tool_calls import (
    MODEL_ROLES,
    calls_of,
    is_empty_answer,
    results_of,
)

_FORMAT = "gemini"
_SYSTEM_ROLES = {MessageRole.SYSTEM, MessageRole.DEVELOPER}
_ROLES = {"user": "user", "model": "assistant"}
_OF_MODEL = ("text", "image")
_OF_USER = ("text", *MEDIA_TYPES)


def from_gemini(contents: Iterable[Any], system_instruction: Any = None) -> list[ChatMessage]:
    """Return contents in Gemini's format, and a system instruction, as messages.

    Each content becomes one message. `to_gemini` returns it unchanged, since what the common
    fields do not hold is kept beside them, such as thought signatures and code that Gemini ran.
    A response is the content of its first candidate: it keeps its id; its model, usage and reason
    to finish become metadata.

    Args:
        contents: Contents of a request, responses, or a mixture of both, as dicts or as the SDK's
            objects. Bytes become base64.
        system_instruction: The system instruction: text, or a content with text.

    Raises:
        InvalidMessageError: `contents` is not a list of contents in this format, a response has
            no content, or JSON cannot hold one of them.

    """
    items = plain_items(contents, "Gemini contents")
    converted = [] if system_instruction is None else [_from_system(plain(system_instruction))]
    return [*converted, *(_from_item(_without_bytes(item)) for item in items)]


def to_gemini(messages: Iterable[ChatMessage]) -> dict[str, Any]:
    """Return ``contents`` and, if there is a system prompt, ``system_instruction``.

    The first is an argument of ``client.models.generate_content``, the second a field of its
    ``config``. Gemini accepts them if calls and results are complete, as in a window. Results of
    one message's calls become one content, and so do a model's messages next to each other. Calls
    without an id, or with a repeated one, get another. The first call of a message that Gemini
    did not write gets the signature that Google documents for these. Arguments that are not a JSON
    object become the field ``arguments`` of one. The text of a result becomes the field ``output``
    of a response, or ``error`` if the tool failed; media become a content behind the responses.

    Not in the result, because the format lacks them: ids, times, metadata and names of messages;
    the place of system messages that are not first; messages and text without any characters;
    thinking; names of documents; audio, video and documents in messages of a model; media in
    messages of the system; blocks of unknown types.

    Raises:
        InvalidMessageError: `messages` is not a list of `ChatMessage`.

    """
    listed = check_messages(messages, "to_gemini")
    stored = (original_of(message, _FORMAT) for message in listed)
    originals = {index: one for index, one in enumerate(stored) if isinstance(one, dict)}
    contents = _Contents(listed, originals)
    prompts: list[Any] = []
    for index, message in enumerate(listed):
        original = originals.get(index, {})
        if "parts" in original:
            contents.add(original["role"], original["parts"])
        elif message.role in _SYSTEM_ROLES:
            prompts += [original["system"]] if original else _system(message)
        elif message.role in MODEL_ROLES:
            contents.add_answer(message, index)
        else:
            contents.add_input(message, index)
    arguments: dict[str, Any] = {"contents": contents.finish()}
    if prompts:
        arguments["system_instruction"] = prompts[0] if len(prompts) == 1 else _joined(prompts)
    return arguments


class _Contents:
    """Collects contents in an order that Gemini accepts.

    What is beside results waits until all results are there, since the content behind calls has
    their responses and nothing else.
    """

    def __init__(self, messages: list[ChatMessage], originals: Mapping[int, Any]) -> None:
        self._ids = unique_call_ids(messages, unchanged=originals)
        self._tools = {
            (pair.result_message, pair.result): calls_of(messages[pair.call_message])[pair.call]
            for pair in pair_calls(messages)
        }
        self._contents: list[dict[str, Any]] = []
        self._waiting: list[Part] = []
        self._missing = 0  # responses to the newest calls

    def add(self, role: str, parts: list[Part]) -> None:
        """Add parts; a model's parts, and responses, next to each other become one content."""
        if not parts:
            return
        before = self._contents[-1] if self._contents else {"role": None, "parts": []}
        responses = _count(parts, "functionResponse")
        if responses == len(parts):
            self._missing -= responses
            joins = 0 < len(before["parts"]) == _count(before["parts"], "functionResponse")
        else:
            self._add_waiting()
            before = self._contents[-1] if self._contents else before
            joins = role == before["role"] == "model"
            self._missing = _count(parts, "functionCall")
        if joins:
            self._contents[-1] = {**before, "parts": [*before["parts"], *parts]}
        else:
            self._contents.append({"role": role, "parts": parts})

    def add_answer(self, message: ChatMessage, index: int) -> None:
        """Add a model's message."""
        if is_empty_answer(message):
            return
        refusal = message.additional_kwargs.get("refusal")
        refused = [{"text": refusal}] if isinstance(refusal, str) and refusal else []
        calls = [
            call_part(call, self._ids.calls[index, number])
            for number, call in enumerate(calls_of(message))
        ]
        if calls:  # of parallel calls, only the first has a signature
            calls[0]["thoughtSignature"] = NO_SIGNATURE
        self.add("model", [*parts_of(message.content, _OF_MODEL), *refused, *calls])

    def add_input(self, message: ChatMessage, index: int) -> None:
        """Add a user's message, or results."""
        results = results_of(message)
        own = parts_of(message.content, _OF_USER) if message.role is MessageRole.USER else []
        for number, result in enumerate(results):
            content = result.content
            if not isinstance(content, str):
                self._waiting += parts_of(content, MEDIA_TYPES)
                content = texts_of(common_blocks(content))
            call_id = self._ids.results.get((index, number), result.id)
            call = self._tools.get((index, number))
            name = (call.name if call else result.name) or call_id or "tool"
            field = "error" if result.is_error else "output"
            self.add("user", [response_part(call_id, name, field, content)])
        if results:
            self._waiting += own
        else:
            self.add("user", own)

    def finish(self) -> list[dict[str, Any]]:
        """Return all contents."""
        if self._missing <= 0:  # otherwise some results are still to come
            self._add_waiting()
        return self._contents

    def _add_waiting(self) -> None:
        if self._waiting:
            self._contents.append({"role": "user", "parts": self._waiting})
            self._waiting = []


def _count(parts: Iterable[Any], name: str) -> int:
    return sum(get(part, name) is not None for part in parts)


def _without_bytes(value: Any) -> Any:
    """Return a value with bytes as base64, as the SDK sends them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _without_bytes(field) for name, field in value.items()}
    return [_without_bytes(item) for item in value] if isinstance(value, list) else value


def _from_system(instruction: Any) -> ChatMessage:
    if isinstance(instruction, str):
        return ChatMessage(role="system", content=instruction)
    written = [get(part, "text") for part in get(instruction, "parts") or ()]
    if not written or not all(isinstance(text, str) for text in written):
        raise InvalidMessageError("the system instruction must be text or a content with text")
    fields = {"role": "system", "content": [text_block(text) for text in written]}
    return _with_original(fields, {"system": instruction})


def _from_item(item: dict[str, Any]) -> ChatMessage:
    if "candidates" not in item:
        return _from_content(item, {})
    first = (item["candidates"] or [{}])[0]
    content = get(first, "content")
    if not isinstance(content, Mapping):
        raise InvalidMessageError("a response of Gemini has no content: see its prompt_feedback")
    values = {
        "model_version": get(item, "modelVersion"),
        "usage_metadata": get(item, "usageMetadata"),
        "finish_reason": get(first, "finishReason"),
    }
    metadata = {name: value for name, value in values.items() if value is not None}
    whole = {"role": "model", "parts": [], **content}
    return _from_content(whole, {"id": get(item, "responseId"), "metadata": metadata})


def _from_content(content: Mapping[str, Any], more: dict[str, Any]) -> ChatMessage:
    role, parts = content.get("role"), content.get("parts")
    if role not in _ROLES or not isinstance(parts, list):
        raise InvalidMessageError(
            "a content in Gemini's format has the role user or model, and a list of parts"
        )
    try:
        blocks = [block for part in parts if (block := block_of(part)) is not None]
    except (TypeError, ValueError):
        blocks = [{}]  # refused below
    fields = {"role": _ROLES[role], "content": blocks, **more}
    return _with_original(fields, {"role": role, "parts": parts})


def _with_original(fields: Mapping[str, Any], original: dict[str, Any]) -> ChatMessage:
    """Return a message, with its original if `to_gemini` would return another."""
    try:
        to_json(original)  # refuses lone surrogates
        common = ChatMessage.model_validate(fields)
        returned = to_gemini([common])
        own = {"system": returned.get("system_instruction")} if "system" in original else None
        if original in (own, *returned["contents"]):
            return common
        return keep_original(common, _FORMAT, original)
    except ValueError:
        pass
    raise InvalidMessageError("JSON cannot hold a content")  # outside: the cause quotes content


def _system(message: ChatMessage) -> list[Any]:
    if isinstance(message.content, str):
        return [message.content] if message.content else []
    parts = parts_of(message.content, {"text"})
    return [{"parts": parts}] if parts else []


def _joined(prompts: Iterable[Any]) -> dict[str, Any]:
    parts: list[Any] = []
    for prompt in prompts:
        parts += [{"text": prompt}] if isinstance(prompt, str) else get(prompt, "parts")
    return {"parts": parts}
