"""The tool calls and results of a message, in whichever of the known forms they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError

from chatstore.core.blocks import ContentBlock
from chatstore.core.messages import ChatMessage, MessageRole
from chatstore.core.tools import tool_call_ids, tool_result_ids


class Call(NamedTuple):
    """A call: its arguments are JSON text, as the model wrote them."""

    id: str
    name: str
    arguments: str


class Result(NamedTuple):
    """A result: text or blocks, and the tool's name where the message tells it."""

    id: str
    name: str | None
    content: str | list[ContentBlock]


def calls_of(message: ChatMessage) -> list[Call]:
    """Return the calls that a message makes, in its order."""
    wanted = tool_call_ids(message)
    found: dict[str, Call] = {}
    for call in _all_calls(message):
        if call.id in wanted:
            found.setdefault(call.id, call)
    return list(found.values())


def results_of(message: ChatMessage) -> list[Result]:
    """Return the results that a message holds, in its order."""
    names = tool_result_ids(message)
    if not names or message.role is not MessageRole.USER:
        tool = message.additional_kwargs.get("name")
        name = tool if isinstance(tool, str) else None
        return [Result(call, name, message.content or "") for call in names]
    blocks = message.content if isinstance(message.content, list) else []
    answers = [block for block in blocks if block.type == "tool_result"]
    return [Result(name, None, _result(block)) for name, block in zip(names, answers, strict=True)]


def _all_calls(message: ChatMessage) -> Iterator[Call]:
    calls = message.additional_kwargs.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(call, dict) and isinstance(function, dict):
            yield _call(call.get("id"), function.get("name"), function.get("arguments"))
    function = message.additional_kwargs.get("function_call")
    if isinstance(function, dict):
        name = function.get("name")
        yield _call(f"function:{name}", name, function.get("arguments"))
    for block in message.content if isinstance(message.content, list) else []:
        fields = block.model_dump()
        if block.type == "tool_call":
            yield _call(fields["id"], fields["name"], fields["arguments"])
        elif block.type == "tool_use":
            yield _call(fields.get("id"), fields.get("name"), fields.get("input"))


def _call(identity: Any, name: Any, arguments: Any) -> Call:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return Call(str(identity), str(name), text)


def _result(block: ContentBlock) -> str | list[ContentBlock]:
    """Return what a ``tool_result`` block holds: text, blocks, or other JSON as text."""
    content = block.model_dump().get("content")
    if isinstance(content, list):
        try:
            said = ChatMessage(role="tool", content=content).content
        except ValidationError:
            return json.dumps(content)
        return said if isinstance(said, list) else ""
    if content is None or isinstance(content, str):
        return content or ""
    return json.dumps(content)
