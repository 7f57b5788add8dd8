"""Parts of the Vercel AI SDK's ``UIMessage``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chatstore.core.contents import BlockFields
from chatstore.core.converters.content import common_blocks, from_url, media_type_of, url_of
from chatstore.core.messages import ChatMessage
from chatstore.core.tool_calls import Result, calls_of, parse_arguments

_DENIED = "The user denied the call."
_DONE = {"state": "done"}


def is_tool_part(part: Mapping[str, Any]) -> bool:
    """Return whether a part is a call of a tool."""
    kind = part.get("type")
    return isinstance(kind, str) and (kind.startswith("tool-") or kind == "dynamic-tool")


def part_call(part: Mapping[str, Any]) -> BlockFields | None:
    """Return the call in a part as a block; ``None`` if the provider ran the tool itself."""
    if part.get("providerExecuted"):
        return None
    kind = part["type"]
    name = part.get("toolName") if kind == "dynamic-tool" else kind.removeprefix("tool-")
    arguments = part.get("input")
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, (dict, str)):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return {
        "type": "tool_call",
        "id": part.get("toolCallId"),
        "name": name,
        "arguments": arguments,
    }


def part_result(part: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the id of a part's call and the text of its result, if there is a result."""
    if not is_tool_part(part) or part.get("providerExecuted"):
        return None
    state = part.get("state")
    text: Any = None
    if state == "output-available":
        output = part.get("output")
        text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    elif state == "output-error":
        text = part.get("errorText")
    elif state == "output-denied":
        approval = part.get("approval")
        text = approval.get("reason") if isinstance(approval, dict) else None
        text = text or _DENIED
    call_id = part.get("toolCallId")
    return (call_id, text) if isinstance(text, str) and isinstance(call_id, str) else None


def result_output(result: Result) -> Any:
    """Return the output of a tool: an object or list if the text is one as JSON."""
    content = result.content
    if isinstance(content, str):
        value = parse_arguments(content)
        return value if isinstance(value, (dict, list)) else content
    return [block.model_dump(mode="json", exclude_none=True) for block in content]


def file_block(part: Mapping[str, Any]) -> BlockFields | None:
    """Return a part with a file as a block."""
    url = part.get("url")
    if part.get("type") != "file" or not isinstance(url, str):
        return None
    filename = part.get("filename")
    return from_url(url, part.get("mediaType"), filename if isinstance(filename, str) else None)


def thinking_block(part: Mapping[str, Any]) -> BlockFields | None:
    """Return a part with reasoning as a block, with the provider's signature."""
    text = part.get("text")
    if part.get("type") != "reasoning" or not isinstance(text, str):
        return None
    block = {"type": "thinking", "thinking": text}
    providers = part.get("providerMetadata")
    for fields in providers.values() if isinstance(providers, dict) else ():
        if isinstance(fields, dict) and isinstance(fields.get("signature"), str):
            return {**block, "signature": fields["signature"]}
    return block


def parts_of_blocks(
    blocks: Iterable[BlockFields], state: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return the parts for text, media and thinking.

    Args:
        blocks: The blocks.
        state: Fields to add to text and reasoning.

    """
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "text":
            parts.append({"type": "text", "text": block["text"], **(state or {})})
        elif block["type"] == "thinking":
            parts.append({"type": "reasoning", "text": block["thinking"], **(state or {})})
        elif url := url_of(block):
            named = {"filename": block["name"]} if block.get("name") else {}
            media_type = media_type_of(block)
            parts.append({"type": "file", "mediaType": media_type, **named, "url": url})
    return parts


def answer_parts(message: ChatMessage, outputs: Mapping[int, Any]) -> list[dict[str, Any]]:
    """Return the parts for a model's message.

    Args:
        message: The message.
        outputs: The outputs of its calls, by their indexes.

    """
    parts = parts_of_blocks(common_blocks(message.content), _DONE)
    refusal = message.additional_kwargs.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.append({"type": "text", "text": refusal, **_DONE})
    for number, call in enumerate(calls_of(message)):
        part: dict[str, Any] = {
            "type": f"tool-{call.name or 'unknown'}",
            "toolCallId": call.id,
            "state": "output-available" if number in outputs else "input-available",
            "input": parse_arguments(call.arguments or "{}"),
        }
        parts.append({**part, "output": outputs[number]} if number in outputs else part)
    return parts
