"""Windows as requests to the Responses, Anthropic's and Google's APIs: roles, calls, results.

Texts are shortened, since the rules of the APIs do not depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatstore.core import ChatMessage, MessageRole
from chatstore.core.pairing import CallIds, unique_call_ids
from chatstore.core.tool_calls import MODEL_ROLES, call_references, result_references

TOOLS = (MessageRole.TOOL, MessageRole.FUNCTION)


def has_text(message: ChatMessage) -> bool:
    """Return whether a message has something besides calls and results."""
    if message.role in TOOLS:
        return False
    if not isinstance(message.content, list):
        return bool(message.content)
    kinds = {"tool_use", "tool_call", "tool_result", "function_call_output"}
    return any(block.type not in kinds for block in message.content)


def _calls(message: ChatMessage, index: int, ids: CallIds) -> list[tuple[str, str]]:
    calls = call_references(message)
    return [(ids.calls[index, number], call.name) for number, call in enumerate(calls)]


def _results(message: ChatMessage, index: int, ids: CallIds) -> list[str]:
    results = result_references(message)
    return [ids.results.get((index, number), "unknown") for number in range(len(results))]


def to_responses(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Return the input of the Responses API."""
    ids = unique_call_ids(messages)
    items: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        items += [
            {"type": "function_call_output", "call_id": call_id}
            for call_id in _results(message, index, ids)
        ]
        if has_text(message):
            items.append({"type": "message", "role": message.role.value})
        items += [
            {"type": "function_call", "call_id": call_id, "name": name}
            for call_id, name in _calls(message, index, ids)
        ]
    return items


def to_anthropic(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Return the messages of the Messages API, of which neighbours with a role are joined."""
    ids = unique_call_ids(messages)
    made: list[dict[str, Any]] = []
    for index, message in enumerate(_without_leading(messages), _leading(messages)):
        role = "assistant" if message.role in MODEL_ROLES else "user"
        blocks: list[dict[str, Any]] = [
            {"type": "tool_result", "tool_use_id": call_id}
            for call_id in _results(message, index, ids)
        ]
        blocks += [{"type": "text", "text": "x"}] if has_text(message) else []
        blocks += [
            {"type": "tool_use", "id": call_id, "name": name}
            for call_id, name in _calls(message, index, ids)
        ]
        if made and made[-1]["role"] == role:
            made[-1]["content"] += blocks
        else:
            made.append({"role": role, "content": blocks})
    return made


def to_gemini(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Return the contents of the Gemini API; what the model says before calls is joined to them."""
    contents: list[dict[str, Any]] = []
    for message in _without_leading(messages):
        names = [result.name for result in result_references(message)]
        answers = [{"functionResponse": {"name": name}} for name in names]
        calls = [{"functionCall": {"name": call.name}} for call in call_references(message)]
        text = [{"text": "x"}] if has_text(message) else []
        if message.role in MODEL_ROLES:
            _join(contents, "model", [*text, *calls])
            continue
        is_answered = contents and any("functionResponse" in p for p in contents[-1]["parts"])
        if answers and is_answered:
            contents[-1]["parts"] += answers
        elif answers:
            contents.append({"role": "user", "parts": answers})
        if text:
            contents.append({"role": "user", "parts": text})
    return contents


def _join(contents: list[dict[str, Any]], role: str, parts: list[dict[str, Any]]) -> None:
    if contents and contents[-1]["role"] == role:
        contents[-1]["parts"] += parts
    else:
        contents.append({"role": role, "parts": parts})


def _leading(messages: Sequence[ChatMessage]) -> int:
    instructions = (MessageRole.SYSTEM, MessageRole.DEVELOPER)
    return next(
        (index for index, message in enumerate(messages) if message.role not in instructions),
        len(messages),
    )


def _without_leading(messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
    return messages[_leading(messages) :]
