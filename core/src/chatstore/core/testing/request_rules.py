"""Check requests against the rules of OpenAI's Responses, Anthropic's and Google's APIs.

Each function takes the messages of a request as that API's JSON and returns what it would refuse.
The last exchange may have calls without results: these calls are still running. The checks share
no code with `chatstore.core.memory`, which builds windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_ANTHROPIC_RESULT, _ANTHROPIC_CALL = "tool_result", "tool_use"


def responses_violations(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the Responses API would refuse in its input.

    An output comes after its call, each call has one output, and ids of calls are unique.
    """
    violations: list[str] = []
    calls: list[str] = []
    outputs: list[str] = []
    for index, item in enumerate(items):
        if item["type"] == "function_call":
            if not item["call_id"] or item["call_id"] in calls:
                violations.append(f"item {index}: the call's id is missing or repeated")
            calls.append(item["call_id"])
        elif item["type"] == "function_call_output":
            if item["call_id"] not in calls or item["call_id"] in outputs:
                violations.append(f"item {index}: an output without an open call")
            outputs.append(item["call_id"])
        elif item["role"] == "user" and set(calls) - set(outputs):
            violations.append(f"item {index}: comes before outputs of earlier calls")
    return violations


def anthropic_violations(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the Messages API would refuse.

    The first message is the user's. The message behind tool uses begins with exactly their
    results. Ids of tool uses are unique, and no message is empty.
    """
    violations: list[str] = []
    if messages and messages[0]["role"] != "user":
        violations.append("the first message is not the user's")
    open_calls: list[str] = []
    ids: list[str] = []
    for index, message in enumerate(messages):
        kinds = [block["type"] for block in message["content"]]
        results = [
            block["tool_use_id"]
            for block in message["content"]
            if block["type"] == _ANTHROPIC_RESULT
        ]
        if kinds[: len(results)] != [_ANTHROPIC_RESULT] * len(results):
            violations.append(f"message {index}: text comes before results")
        is_running = (
            index == len(messages) - 1
            and len(results) == len(kinds)
            and set(results) <= set(open_calls)
        )
        if sorted(results) != sorted(open_calls) and not is_running:
            violations.append(f"message {index}: results of {results} for calls of {open_calls}")
        open_calls = [
            block["id"] for block in message["content"] if block["type"] == _ANTHROPIC_CALL
        ]
        ids += open_calls
        if not kinds or (open_calls and message["role"] != "assistant"):
            violations.append(f"message {index}: is empty, or a user's with calls")
    if len(set(ids)) < len(ids) or not all(ids):
        violations.append("ids of tool uses are missing or repeated")
    return violations


def gemini_violations(contents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the Gemini API would refuse.

    The first content is the user's. Function calls come directly behind the user's content or
    function responses; the content behind them has as many function responses, and only them.
    """
    violations: list[str] = []
    if contents and contents[0]["role"] != "user":
        violations.append("the first content is not the user's")
    open_calls: list[str] = []
    for index, content in enumerate(contents):
        parts = content["parts"]
        responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
        calls = [part["functionCall"]["name"] for part in parts if "functionCall" in part]
        is_running = index == len(contents) - 1 and 0 < len(responses) == len(parts) < len(
            open_calls
        )
        if len(responses) != len(open_calls) and not is_running:
            violations.append(
                f"content {index}: {len(responses)} responses for {len(open_calls)} calls"
            )
        if responses and len(responses) < len(parts):
            violations.append(f"content {index}: function responses beside other parts")
        if calls and (index == 0 or contents[index - 1]["role"] != "user"):
            violations.append(f"content {index}: function calls behind the model's content")
        if not parts:
            violations.append(f"content {index}: is empty")
        open_calls = calls
    return violations
