"""Tool calls and results of a message, in all known forms.

Known forms of a call: OpenAI's ``additional_kwargs["tool_calls"]`` and its older
``function_call``; the blocks ``tool_call`` (this package), ``tool_use`` (Anthropic) and
``function_call`` (OpenAI Responses). Known forms of a result: messages of the roles ``tool`` and
``function``, and the blocks ``tool_result`` (Anthropic) and ``function_call_output`` (OpenAI
Responses).

Ids may be missing or repeated: Ollama sends calls without an id, Vertex AI's ids are the tool's
name. So an id does not identify a call; `chatstore.core.pairing` finds the result of each call.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from chatstore.core.blocks import ContentBlock
from chatstore.core.messages import ChatMessage, MessageRole

MODEL_ROLES = {MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL}
TOOL_ROLES = {MessageRole.TOOL, MessageRole.FUNCTION}
_RESULT_ROLES = {*TOOL_ROLES, MessageRole.USER}
CALL_BLOCKS = {"tool_call": "id", "tool_use": "id", "function_call": "call_id"}
"""The types of blocks that are calls, and the names of their id fields."""

RESULT_BLOCKS = ("tool_result", "function_call_output")
"""The types of blocks that are results."""

_RESULT_IDS = ("tool_use_id", "tool_call_id", "call_id")


class ToolReference(NamedTuple):
    """The id and the tool name of a call or result; empty strings if the message lacks them."""

    id: str
    name: str


class Call(NamedTuple):
    """A tool call.

    Attributes:
        id: May be empty, or repeated within a message.
        name: The tool's name.
        arguments: JSON text, as the model wrote it.

    """

    id: str
    name: str
    arguments: str

    def to_openai(self) -> dict[str, Any]:
        """Return the call as an item of OpenAI's ``tool_calls``."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


class Result(NamedTuple):
    """A tool result.

    Attributes:
        id: The call's id; may be empty.
        name: The tool's name, if the message contains it.
        content: Text or blocks.
        is_error: Whether the tool failed.

    """

    id: str
    name: str | None
    content: str | list[ContentBlock]
    is_error: bool = False


def call_references(message: ChatMessage) -> list[ToolReference]:
    """Return a reference for each tool call in a message, in its order.

    A call in two forms counts once; two calls with the same id count twice.
    """
    return [reference for reference, _ in _calls(message)]


def result_references(message: ChatMessage) -> list[ToolReference]:
    """Return a reference for each tool result in a message, in its order."""
    if message.role not in _RESULT_ROLES:
        return []
    in_blocks = result_blocks(message)
    if in_blocks:
        return list(in_blocks.values())
    if message.role in TOOL_ROLES:
        kwargs = message.additional_kwargs
        name = _text(kwargs.get("name")) or _text(kwargs.get("tool_name"))
        return [ToolReference(_text(kwargs.get("tool_call_id")), name)]
    return []


def result_blocks(message: ChatMessage) -> dict[int, ToolReference]:
    """Return the indexes of the content blocks that are tool results, with their references."""
    if message.role not in _RESULT_ROLES or not isinstance(message.content, list):
        return {}
    return {
        index: _result_reference(block)
        for index, block in enumerate(message.content)
        if block.type in RESULT_BLOCKS
    }


def is_empty_answer(message: ChatMessage) -> bool:
    """Return whether a model's message has no text, calls or anything else to send.

    Thinking alone does not count: providers refuse it without an answer or a call.
    """
    if message.role not in MODEL_ROLES or (message.content and isinstance(message.content, str)):
        return False
    if call_references(message):
        return False
    if any(message.additional_kwargs.get(name) for name in ("refusal", "audio", "function_call")):
        return False
    if not isinstance(message.content, list):
        return not message.content
    return all(
        block.type in {"thinking", "redacted_thinking", "reasoning"}
        or (block.type == "text" and not getattr(block, "text", ""))
        for block in message.content
    )


def calls_of(message: ChatMessage) -> list[Call]:
    """Return the tool calls in a message, in its order; each call once."""
    return [
        Call(reference.id, reference.name, _arguments(arguments))
        for reference, arguments in _calls(message)
    ]


def results_of(message: ChatMessage) -> list[Result]:
    """Return the tool results in a message, in its order."""
    in_blocks = result_blocks(message)
    if in_blocks and isinstance(message.content, list):
        return [
            Result(
                reference.id,
                reference.name or None,
                _result(message.content[index]),
                is_error=bool(_get(message.content[index], "is_error")),
            )
            for index, reference in in_blocks.items()
        ]
    return [
        Result(reference.id, reference.name or None, message.content or "")
        for reference in result_references(message)
    ]


def parse_arguments(text: str) -> Any:
    """Return a call's arguments as a JSON value, or the text itself if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def arguments_object(text: str) -> dict[str, Any]:
    """Return a call's arguments as a JSON object; another value is its field ``arguments``."""
    value = parse_arguments(text or "{}")
    return value if isinstance(value, dict) else {"arguments": value}


def _calls(message: ChatMessage) -> list[tuple[ToolReference, Any]]:
    if message.role not in MODEL_ROLES:
        return []
    if not message.additional_kwargs and not isinstance(message.content, list):
        return []  # windows ask for each message
    calls = list(_openai_calls(message.additional_kwargs.get("tool_calls")))
    function = message.additional_kwargs.get("function_call")
    if isinstance(function, dict) and _text(function.get("name")):
        name = _text(function.get("name"))
        if all(reference.name != name for reference, _ in calls):
            calls.append((ToolReference("", name), function.get("arguments")))
    if isinstance(message.content, list):
        calls = _merged(calls, _block_calls(message.content))
    return calls


def _merged(
    first: list[tuple[ToolReference, Any]], second: Iterable[tuple[ToolReference, Any]]
) -> list[tuple[ToolReference, Any]]:
    """Add the calls that are in the second form only."""
    in_both = Counter(reference.id or reference.name for reference, _ in first)
    merged = list(first)
    for reference, arguments in second:
        key = reference.id or reference.name
        if in_both[key] > 0:
            in_both[key] -= 1
        else:
            merged.append((reference, arguments))
    return merged


def _openai_calls(calls: Any) -> Iterator[tuple[ToolReference, Any]]:
    for call in calls if isinstance(calls, list) else []:
        if not isinstance(call, dict):
            continue
        function = call.get("function", call.get("custom"))
        fields: Mapping[str, Any] = function if isinstance(function, dict) else call
        reference = ToolReference(_text(call.get("id")), _text(fields.get("name")))
        if reference.id or reference.name:
            yield reference, fields.get("arguments", fields.get("input"))


def _block_calls(blocks: Iterable[ContentBlock]) -> Iterator[tuple[ToolReference, Any]]:
    for block in blocks:
        id_field = CALL_BLOCKS.get(block.type)
        if id_field is not None:
            reference = ToolReference(_text(_get(block, id_field)), _text(_get(block, "name")))
            arguments = _get(block, "arguments")
            yield reference, _get(block, "input") if arguments is None else arguments


def _result_reference(block: ContentBlock) -> ToolReference:
    ids = (_text(_get(block, field)) for field in _RESULT_IDS)
    return ToolReference(next(filter(None, ids), ""), _text(_get(block, "name")))


def _get(block: ContentBlock, field: str) -> Any:
    return getattr(block, field, None)


def _text(value: Any) -> str:
    """Return an id or a name as text; some servers number their calls."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _arguments(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments or {}, ensure_ascii=False)


def _result(block: ContentBlock) -> str | list[ContentBlock]:
    """Return the content of a result block: text, blocks, or other JSON as text."""
    fields = block.model_dump()
    content = fields.get("output" if block.type == "function_call_output" else "content")
    if isinstance(content, list):
        try:
            blocks = ChatMessage(role="tool", content=content).content
        except ValidationError:
            return json.dumps(content)
        return blocks if isinstance(blocks, list) else ""
    if content is None or isinstance(content, str):
        return content or ""
    return json.dumps(content)
