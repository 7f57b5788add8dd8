"""The SDK's many kinds of tool calls and of their outputs, as calls and results.

The SDK has a kind of item for each kind of tool. Calls that the program answers with an item of
its own, such as a computer's, are calls here: a window keeps both or neither. What a provider ran
itself holds its own result: web search, code interpreter, calls of MCP servers.
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
    """A call that an item makes; its arguments are text, or what JSON they are."""

    id: Any
    name: Any
    arguments: Any


class ItemResult(NamedTuple):
    """What an item answers a call with, as the SDK has it."""

    call_id: Any
    output: Any


def item_call(item: Mapping[str, Any]) -> ItemCall | None:
    """Return the call that an item makes and that another item answers."""
    kind = item.get("type")
    if kind == "function_call":
        return ItemCall(item.get("call_id"), item.get("name"), item.get("arguments"))
    if kind == "mcp_approval_request":
        return _identified(item.get("id"), item.get("name"), item.get("arguments"))
    if kind == "custom_tool_call":
        return _identified(item.get("call_id"), item.get("name"), item.get("input"))
    if kind in _CALL_TOOLS:
        given = {name: item[name] for name in _ARGUMENTS if item.get(name) is not None}
        return _identified(item.get("call_id"), _CALL_TOOLS[kind], _json(given))
    return None


def item_result(item: Mapping[str, Any]) -> ItemResult | None:
    """Return the result that an item holds for a call of another item."""
    kind = item.get("type")
    if kind == "function_call_output":
        return ItemResult(item.get("call_id"), item.get("output"))
    if kind == "mcp_approval_response":
        reason = item.get("reason")
        verdict = "approved" if item.get("approve") else "denied"
        text = f"{verdict}: {reason}" if reason else verdict
        return _answering(item.get("approval_request_id"), text)
    if kind not in _OUTPUTS:
        return None
    output = item.get(_OUTPUTS[kind])
    if kind == "computer_call_output":
        output = [output]
    elif not isinstance(output, (str, list)) or kind in {"shell_call_output", "tool_search_output"}:
        output = _json(output) if output is not None else str(item.get("status") or "")
    # A local shell's output has the call's id as its own.
    call_id = item.get("call_id")
    return _answering(item.get("id") if call_id is None else call_id, output)


def _identified(identity: Any, name: Any, arguments: Any) -> ItemCall | None:
    return ItemCall(identity, name, arguments) if isinstance(identity, str) and identity else None


def _answering(identity: Any, output: Any) -> ItemResult | None:
    return ItemResult(identity, output) if isinstance(identity, str) and identity else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
