"""Check lists of messages against the rules of LLM providers.

The rules are the strict union of what OpenAI and Anthropic document: both accept what passes here.
The checks share no code with `chatstore.core.memory`, which builds windows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chatstore.core.messages import ChatMessage
from chatstore.core.testing.message_kinds import count_leading, has_more_than_results, is_question
from chatstore.core.testing.result_pairing import pair_exchange
from chatstore.core.tool_calls import ToolReference, call_references, result_references

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_PARTS = {
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
}


def provider_violations(messages: Sequence[ChatMessage]) -> list[str]:
    """Return what a provider would refuse in a list of messages; empty if it accepts them.

    The last exchange may have calls without results: these calls are still running.
    """
    violations: list[str] = []
    calls: list[ToolReference] = []
    results: list[ToolReference] = []  # directly behind the calls
    for index, message in enumerate(messages):
        answers = result_references(message)
        results += answers
        if not answers or (has_more_than_results(message) and index < len(messages) - 1):
            violations += _unpaired(calls, results, index)
            calls, results = call_references(message), []
    violations += _unpaired(calls, results, None)
    others = messages[count_leading(messages) :]
    if any(map(is_question, others)) and not is_question(others[0]):
        violations.append("the first message is not the user's")
    return violations


def chat_completions_violations(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what OpenAI's Chat Completions API would refuse in the messages of a request.

    The last exchange may have calls without results: these calls are still running.
    """
    violations: list[str] = []
    unanswered: list[str] = []
    for index, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        if role == "tool":
            if message.get("tool_call_id") in unanswered:
                unanswered.remove(message["tool_call_id"])
            else:
                violations.append(f"message {index}: a result without a call directly before it")
        elif unanswered:
            violations.append(f"message {index}: comes before the results of {unanswered}")
        if role != "tool":
            unanswered = [call["id"] for call in message.get("tool_calls") or ()]
        if len(set(unanswered)) < len(unanswered) or not all(unanswered):
            violations.append(f"message {index}: ids of calls are missing or repeated")
        has_fields = any(message.get(name) for name in ("tool_calls", "function_call", "refusal"))
        if role == "assistant" and not (content or has_fields or message.get("audio")):
            violations.append(f"message {index}: has no content")
        if isinstance(content, list):
            kinds = {part["type"] for part in content} - _PARTS.get(role, {"text"})
            violations += [
                f"message {index}: a part of the type {kind!r}" for kind in sorted(kinds)
            ]
    return violations


def anthropic_violations(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what Anthropic's Messages API would refuse in the messages of a request.

    The last message may have calls without results: these calls are still running.
    """
    violations: list[str] = []
    unanswered: list[str] = []
    used: set[str] = set()
    for index, message in enumerate(messages):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        kinds = [block["type"] for block in blocks]
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if sorted(results) != sorted(unanswered):
            violations.append(f"message {index}: results of {results}, calls of {unanswered}")
        if "tool_result" in kinds[len(results) :]:
            violations.append(f"message {index}: a result behind other blocks")
        if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            violations.append(f"message {index}: blank text")
        if not blocks or kinds[-1] == "thinking":
            violations.append(f"message {index}: is empty, or ends with thinking")
        if len(used) + len(calls) > len(used | set(calls)) or not all(map(_ID.fullmatch, calls)):
            violations.append(f"message {index}: ids of calls are invalid or repeated")
        used.update(calls)
        unanswered = calls
    return violations


def responses_violations(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what OpenAI's Responses API would refuse in the input of a request.

    Calls without results are allowed: they are still running.
    """
    violations: list[str] = []
    calls: set[str] = set()
    for index, item in enumerate(items):
        if item.get("type") == "function_call":
            if item["call_id"] in calls or not item["call_id"]:
                violations.append(f"item {index}: the id of a call is missing or repeated")
            calls.add(item["call_id"])
        elif item.get("type") == "function_call_output":
            if item["call_id"] not in calls:
                violations.append(f"item {index}: an output without a call before it")
        elif item.get("role") == "assistant" and not item["content"]:
            violations.append(f"item {index}: is empty")
    return violations


def _unpaired(
    calls: Sequence[ToolReference], results: Sequence[ToolReference], index: int | None
) -> list[str]:
    """Report results without a call, and calls without a result except in the last exchange."""
    open_calls, open_results = pair_exchange(calls, results)
    violations = [f"before message {index}: {result} has no call" for result in open_results]
    if index is not None and open_calls:
        violations.append(f"message {index}: comes before the results of {open_calls}")
    return violations
