"""Convert Agent Framework's messages to the fields that all frameworks share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatstore.core import MessageRole
from chatstore.core.contents import BlockFields, simplify
from chatstore.core.converters.content import from_url
from chatstore.core.tool_calls import Call

_CALLS = {"function_call": "", "computer_tool_call": "computer", "shell_tool_call": "shell"}
"""The types of calls that this program answers, and the names of tools that have none."""

_RESULTS = {"function_result", "computer_tool_result", "shell_tool_result"}
_ROLES = {role.value for role in MessageRole}


def common_fields(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return role, content and additional kwargs of a message, given as JSON.

    Several results in one message are blocks of a ``user`` message, as in Anthropic's format. Calls
    that the provider ran itself, files by id, usage and approvals are only in the payload.
    """
    contents, name = payload["contents"], payload.get("author_name")
    calls = [part for part in contents if _is_call(part)]
    results = [part for part in contents if part["type"] in _RESULTS]
    # A call and its result in one message: the provider ran it, and no other message answers it.
    own = {part.get("call_id") for part in calls} & {part.get("call_id") for part in results}
    results = [part for part in results if part.get("call_id") not in own]
    kwargs: dict[str, Any] = {} if name is None else {"name": name}
    blocks = list(_blocks(contents))
    if len(results) == 1 and not blocks:
        kwargs["tool_call_id"] = results[0].get("call_id") or ""
        content = simplify(list(_output(results[0]))) or ""
        return {"role": "tool", "content": content, "additional_kwargs": kwargs}
    tool_calls = [_call(part).to_openai() for part in calls if part.get("call_id") not in own]
    if tool_calls:
        kwargs["tool_calls"] = tool_calls
    return {
        "role": _role(payload["role"], is_result=bool(results)),
        "content": simplify([*map(_result_block, results), *blocks]),
        "additional_kwargs": kwargs,
    }


def _role(role: str, *, is_result: bool) -> str:
    # Messages of the role "tool" have exactly one result in the common form.
    return "user" if is_result or role == "tool" or role not in _ROLES else role


def _is_call(part: Mapping[str, Any]) -> bool:
    return part["type"] in _CALLS and not (part.get("hosted") or part.get("informational_only"))


def _call(part: Mapping[str, Any]) -> Call:
    kind, call_id = part["type"], part.get("call_id") or ""
    if kind != "function_call":
        inputs = {name: part[name] for name in ("actions", "commands") if name in part}
        return Call(call_id, _CALLS[kind], _json(inputs))
    arguments = part.get("arguments")
    text = arguments if isinstance(arguments, str) else _json(arguments or {})
    return Call(call_id, part.get("name") or "", text)


def _result_block(part: Mapping[str, Any]) -> BlockFields:
    content = simplify(list(_output(part))) or ""
    return {"type": "tool_result", "tool_use_id": part.get("call_id") or "", "content": content}


def _output(part: Mapping[str, Any]) -> Iterator[BlockFields]:
    """Yield the text and media of a result."""
    items: Sequence[Any] = part.get("items") or part.get("outputs") or ()
    screenshot = part.get("screenshot")
    yield from _blocks([*items, screenshot] if screenshot else items)
    if not items and "result" in part:
        result = part["result"]
        yield {"type": "text", "text": result if isinstance(result, str) else _json(result)}


def _blocks(contents: Iterable[Any]) -> Iterator[BlockFields]:
    for part in contents:
        match part:
            case {"type": "text", "text": str(text)}:
                yield {"type": "text", "text": text}
            case {"type": "text_reasoning", "text": str(text)} if text:
                yield {"type": "thinking", "thinking": text}
            case {"type": "data" | "uri", "uri": str(uri)}:
                yield from_url(uri, part.get("media_type"))
            case {"type": "shell_command_output"}:
                text = (part.get("stdout") or "") + (part.get("stderr") or "")
                yield {"type": "text", "text": text}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
