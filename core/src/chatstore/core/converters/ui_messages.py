"""Messages in the form of the Vercel AI SDK's ``UIMessage`` (version 5 and later)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chatstore.core.codec import new_id
from chatstore.core.converters.content import common_blocks, text_block
from chatstore.core.converters.messages import check_messages
from chatstore.core.converters.originals import (
    keep_original,
    original_of,
    without_metadata,
    without_originals,
)
from chatstore.core.converters.plain import plain_items
from chatstore.core.converters.ui_parts import (
    answer_parts,
    file_block,
    is_tool_part,
    part_call,
    part_result,
    parts_of_blocks,
    result_output,
    thinking_block,
)
from chatstore.core.errors import InvalidMessageError
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.pairing import pair_calls
from chatstore.core.tool_calls import MODEL_ROLES, TOOL_ROLES, results_of

_FORMAT = "ui_messages"
_SYSTEM_ROLES = {MessageRole.SYSTEM, MessageRole.DEVELOPER}


def from_ui_messages(messages: Iterable[Any]) -> list[ChatMessage]:
    """Return the AI SDK's messages as messages that a model can be sent.

    The user's and the system's messages become one message each. An assistant's becomes one
    message for each step, followed by the results of its tools. The first has the id; the others
    have ids made of it, so adding the same messages again adds nothing. A message's metadata
    become the first one's, if they are an object. `to_ui_messages` returns the messages
    unchanged, since what the common fields do not hold is kept beside them: data parts, sources,
    states, provider metadata, tools that the provider ran.

    Args:
        messages: The messages, as dicts or pydantic models.

    Raises:
        InvalidMessageError: `messages` is not a list of messages in this form, or JSON cannot hold
            one.

    """
    converted: list[ChatMessage] = []
    follows_answer = False
    for item in plain_items(messages, "UI messages"):
        converted += _from_ui_message(item, follows_answer=follows_answer)
        follows_answer = item["role"] == "assistant"
    return converted


def to_ui_messages(messages: Iterable[ChatMessage]) -> list[dict[str, Any]]:
    """Return messages as the AI SDK's ``UIMessage``, for ``useChat``.

    An answer is one message: the assistant's messages up to the user's next one, each as a step,
    with the results of tools in the parts of their calls. It has the id of its first message and
    the metadata of all.

    Not in the result, because the form lacks them: times and names of messages; ids of an
    answer's later messages; results without a call; signatures of thinking; media without data or
    a URL; messages without any part; blocks of unknown types. A developer's messages become the
    system's.

    Raises:
        InvalidMessageError: `messages` is not a list of `ChatMessage`.

    """
    listed = check_messages(messages, "to_ui_messages")
    outputs = _outputs(listed)
    converted: list[dict[str, Any]] = []
    answer: dict[str, Any] | None = None
    index = 0
    while index < len(listed):
        message = listed[index]
        whole, length = _whole(listed, index)
        if whole is not None:
            converted.append(whole)
            answer = None
            index += length
            continue
        if message.role in MODEL_ROLES:
            parts = answer_parts(message, outputs.get(index, {}))
            if answer is None and parts:
                answer = _ui_message(message, "assistant", [])
                converted.append(answer)
            if answer is not None:
                _add_step(answer, message, parts)
        elif message.role not in TOOL_ROLES:
            role = "system" if message.role in _SYSTEM_ROLES else "user"
            parts = parts_of_blocks(common_blocks(message.content))
            if parts:
                answer = None
                converted.append(_ui_message(message, role, parts))
        index += 1
    return converted


def _add_step(answer: dict[str, Any], message: ChatMessage, parts: list[dict[str, Any]]) -> None:
    if parts:
        answer["parts"] += [{"type": "step-start"}, *parts]
    if message.metadata:
        answer["metadata"] = {**answer.get("metadata", {}), **message.metadata}


def _ui_message(message: ChatMessage, role: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = {"metadata": message.metadata} if message.metadata else {}
    return {"id": message.id or new_id(), "role": role, **metadata, "parts": parts}


def _outputs(messages: Sequence[ChatMessage]) -> dict[int, dict[int, Any]]:
    """Return the output of each call by the index of its message and its own."""
    outputs: dict[int, dict[int, Any]] = {}
    for pair in pair_calls(messages):
        result = results_of(messages[pair.result_message])[pair.result]
        outputs.setdefault(pair.call_message, {})[pair.call] = result_output(result)
    return outputs


def _whole(messages: Sequence[ChatMessage], index: int) -> tuple[dict[str, Any] | None, int]:
    """Return the UI message that begins at an index as it was, and how many messages it is.

    ``None`` if one of the messages was changed or removed since.
    """
    message = messages[index]
    original = original_of(message, _FORMAT)
    if not isinstance(original, dict):
        return None, 0
    expected = _common_messages(original)
    present = [without_originals(one) for one in messages[index : index + len(expected)]]
    if present != expected:
        return None, 0
    whole = {**original, "id": message.id or original["id"]}
    if isinstance(original.get("metadata", {}), dict) or message.metadata:
        whole.pop("metadata", None)
        if message.metadata or original.get("metadata") == {}:
            whole["metadata"] = message.metadata
    return whole, len(expected)


def _from_ui_message(item: dict[str, Any], *, follows_answer: bool) -> list[ChatMessage]:
    roles = ("system", "user", "assistant")
    parts = item.get("parts")
    if item.get("role") not in roles or not isinstance(parts, list) or not parts:
        raise InvalidMessageError(
            "a UI message has the role system, user or assistant, and a list of at least one part"
        )
    if not isinstance(item.get("id"), str) or not all(isinstance(part, dict) for part in parts):
        raise InvalidMessageError("a UI message has an id that is a string, and parts are objects")
    try:
        first, *others = _common_messages(item)
        metadata = item.get("metadata")
        if isinstance(metadata, dict):
            first.metadata = ChatMessage(role="user", metadata=metadata).metadata
        # `to_ui_messages` joins answers that follow each other, unless it has the originals.
        is_joined = follows_answer and item["role"] == "assistant"
        if is_joined or to_ui_messages([first, *others]) != [item]:
            return [keep_original(first, _FORMAT, without_metadata(item)), *others]
    except ValueError:
        pass
    else:
        return [first, *others]
    raise InvalidMessageError(  # outside: the cause quotes content
        "a UI message has a value of the wrong type, or one that JSON cannot hold"
    )


def _common_messages(item: Mapping[str, Any]) -> list[ChatMessage]:
    """Return the messages for a UI message, without metadata."""
    if item["role"] == "assistant":
        return _answer_messages(item)
    blocks = [
        block for part in item["parts"] if (block := _text(part) or file_block(part)) is not None
    ]
    return [ChatMessage.model_validate({**_fields(item["role"], blocks), "id": item["id"]})]


def _answer_messages(item: Mapping[str, Any]) -> list[ChatMessage]:
    messages: list[ChatMessage] = []
    for step in _steps(item["parts"]):
        blocks = [block for part in step if (block := _answer_block(part)) is not None]
        results = [result for part in step if (result := part_result(part)) is not None]
        if blocks:
            messages.append(ChatMessage.model_validate(_fields("assistant", blocks)))
        for call_id, content in results:
            kwargs = {"tool_call_id": call_id}
            messages.append(ChatMessage(role="tool", content=content, additional_kwargs=kwargs))
    if not messages:
        messages.append(ChatMessage(role="assistant", content=None))
    for number, message in enumerate(messages):
        message_id = f"{item['id']}:{number}" if number else item["id"]
        messages[number] = ChatMessage.model_validate({**message.model_dump(), "id": message_id})
    return messages


def _steps(parts: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the parts of each step; text behind a finished call belongs to the next step."""
    steps: list[list[dict[str, Any]]] = [[]]
    for part in parts:
        is_text = _text(part) is not None or part.get("type") == "reasoning"
        is_finished = any(part_result(other) is not None for other in steps[-1])
        if part.get("type") == "step-start" or (is_text and is_finished):
            steps.append([])
        steps[-1].append(part)
    return steps


def _answer_block(part: Mapping[str, Any]) -> dict[str, Any] | None:
    if is_tool_part(part):
        return part_call(part)
    return _text(part) or thinking_block(part) or file_block(part)


def _text(part: Mapping[str, Any]) -> dict[str, Any] | None:
    text = part.get("text") if part.get("type") == "text" else None
    return text_block(text) if isinstance(text, str) else None


def _fields(role: str, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    is_text = len(blocks) == 1 and blocks[0]["type"] == "text"
    return {"role": role, "content": blocks[0]["text"] if is_text else blocks or None}
