"""What the Responses API refuses in its input; written independently of the package.

- An output follows its call, and each call has an output of its kind. The calls of
  the newest exchange may still be running.
- Reasoning is followed by an item that the model made.
- An item that directly followed reasoning is not sent without it.
- An approval answers a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PAIRS = {
    "function_call": ("call_id", "function_call_output", "call_id"),
    "custom_tool_call": ("call_id", "custom_tool_call_output", "call_id"),
    "computer_call": ("call_id", "computer_call_output", "call_id"),
    "local_shell_call": ("call_id", "local_shell_call_output", "id"),
    "shell_call": ("call_id", "shell_call_output", "call_id"),
    "apply_patch_call": ("call_id", "apply_patch_call_output", "call_id"),
    "mcp_approval_request": ("id", "mcp_approval_response", "approval_request_id"),
}
OUTPUTS = {output: (call, name) for call, (_, output, name) in PAIRS.items()}
MADE_BY_MODEL = {
    *PAIRS,
    "reasoning",
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
    "program",
}


def is_made_by_model(item: Any) -> Any:
    return item.get("type") in MADE_BY_MODEL or item.get("role") == "assistant"


def responses_violations(items: Any, whole: Any = None) -> Any:
    """Return what the API refuses; ``whole`` is the conversation from which the items come."""
    violations, open_calls = [], []
    for place, item in enumerate(items):
        kind = item.get("type")
        if kind in PAIRS:
            open_calls.append((kind, item[PAIRS[kind][0]]))
        elif kind in OUTPUTS:
            call, name = OUTPUTS[kind]
            if (call, item[name]) in open_calls:
                open_calls.remove((call, item[name]))
            else:
                violations.append(f"{place}: {kind} without its {call}")
        elif item.get("role") == "user" and open_calls:
            violations.append(f"{place}: {open_calls} without outputs")
        if kind == "reasoning":
            following = items[place + 1] if place + 1 < len(items) else {}
            if not is_made_by_model(following):
                violations.append(f"{place}: reasoning {item['id']} without its following item")
    spoken = [item for item in items if item.get("role") not in {"system", "developer"}]
    if spoken and spoken[0].get("role") != "user":
        violations.append("the first item is not the user's")
    if whole is not None:
        violations += _without_reasoning(items, whole)
    return violations


def _without_reasoning(items: Any, whole: Any) -> Iterator[Any]:
    for place, item in enumerate(whole[1:], start=1):
        reasoning = whole[place - 1]
        if reasoning.get("type") != "reasoning" or not is_made_by_model(item):
            continue
        if any(item is other for other in items):
            other = [other for other in items if other is item or other is reasoning]
            if [kept_item is reasoning for kept_item in other] != [True, False]:
                yield f"{item.get('id')} without its reasoning {reasoning['id']}"
