"""Calls and results in items of OpenAI's Responses API.

There is a type of item for each kind of tool. A call is an item that another item answers,
such as a computer's: a window keeps both or neither. Tools that the provider runs itself (web
search, code interpreter, MCP servers) have call and result in one item, which is neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_CALL_TOOLS = {
    "computer_call": "computer",
    "local_shell_call": "local_shell",
    "shell_call": "shell",
    "apply_patch_call": "apply_patch",
    "tool_search_call": "tool_search",
}
_ARGUMENTS = ("action", "actions", "operation", "arguments")
_OUTPUTS = {
    "function_call_output": "output",
    "custom_tool_call_output": "output",
    "computer_call_output": "output",
    "local_shell_call_output": "output",
    "shell_call_output": "output",
    "apply_patch_call_output": "output",
    "tool_search_output": "tools",
}


class ItemCall(NamedTuple):
    """A call; its arguments are text, or another JSON value."""

    id: Any
    name: Any
    arguments: Any


class ItemResult(NamedTuple):
    """A result; its output is in the API's form."""

    call_id: Any
    output: Any


def item_call(item: Mapping[str, Any]) -> ItemCall | None:
    """Return the call that another item answers, or ``None``."""
    kind = item.get("type")
    if kind == "function_call":
        return ItemCall(item.get("call_id"), item.get("name"), item.get("arguments"))
    if kind == "mcp_approval_request":
        return _call(item.get("id"), item.get("name"), item.get("arguments"))
    if kind == "custom_tool_call":
        return _call(item.get("call_id"), item.get("name"), item.get("input"))
    if kind in _CALL_TOOLS:
        arguments = {name: item[name] for name in _ARGUMENTS if item.get(name) is not None}
        return _call(item.get("call_id"), _CALL_TOOLS[kind], _json(arguments))
    return None


def item_result(item: Mapping[str, Any]) -> ItemResult | None:
    """Return the result of another item's call, or ``None``."""
    kind = item.get("type")
    if kind == "function_call_output":
        return ItemResult(item.get("call_id"), item.get("output"))
    if kind == "mcp_approval_response":
        reason = item.get("reason")
        verdict = "approved" if item.get("approve") else "denied"
        text = f"{verdict}: {reason}" if reason else verdict
        return _result(item.get("approval_request_id"), text)
    if kind not in _OUTPUTS:
        return None
    output = item.get(_OUTPUTS[kind])
    if kind == "computer_call_output":
        output = [output]
    elif not isinstance(output, (str, list)) or kind in {"shell_call_output", "tool_search_output"}:
        output = _json(output) if output is not None else str(item.get("status") or "")
    # The output of a local shell has the call's id as its own id.
    call_id = item.get("call_id")
    return _result(item.get("id") if call_id is None else call_id, output)


def _call(item_id: Any, name: Any, arguments: Any) -> ItemCall | None:
    return ItemCall(item_id, name, arguments) if isinstance(item_id, str) and item_id else None


def _result(item_id: Any, output: Any) -> ItemResult | None:
    return ItemResult(item_id, output) if isinstance(item_id, str) and item_id else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
