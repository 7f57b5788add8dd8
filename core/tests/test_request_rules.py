"""The checks of requests find what the APIs refuse."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core.testing.request_rules import (
    anthropic_violations,
    gemini_violations,
    responses_violations,
)

USER: dict[str, Any] = {"type": "message", "role": "user"}


def call(call_id: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": "f"}


def output(call_id: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id}


@pytest.mark.parametrize(
    ("items", "accepted"),
    [
        ([USER, call("a"), call("b"), output("b"), output("a"), USER], True),
        ([USER, call("a"), call("b"), output("b")], True),
        ([USER, call("a"), USER, output("a")], False),
        ([USER, output("a")], False),
        ([USER, call("a"), output("a"), output("a")], False),
        ([USER, call("a"), output("a"), call("a"), output("a")], False),
        ([USER, call(""), output("")], False),
    ],
)
def test_responses(items: list[Any], accepted: bool) -> None:
    assert (responses_violations(items) == []) == accepted


def block(script: str) -> dict[str, Any]:
    """Return a block: ``t`` text, ``+a`` a tool use, ``-a`` its result."""
    if script == "t":
        return {"type": "text", "text": "x"}
    if script[0] == "+":
        return {"type": "tool_use", "id": script[1:], "name": "f"}
    return {"type": "tool_result", "tool_use_id": script[1:]}


@pytest.mark.parametrize(
    ("script", "accepted"),
    [
        ("u:t a:t,+a,+b u:-b,-a,t a:t", True),
        ("u:t a:+a", True),
        ("u:t a:+a,+b u:-a", True),
        ("u:t a:+a u:t", False),
        ("u:t a:+a,+b u:-a a:t", False),
        ("u:t a:+a u:t,-a", False),
        ("u:t u:-a", False),
        ("a:t u:t", False),
        ("u:t a:+a u:-a a:+a u:-a", False),
        ("u:t a:+ u:-", False),
        ("u: a:t", False),
    ],
)
def test_anthropic(script: str, accepted: bool) -> None:
    messages: list[dict[str, Any]] = []
    for word in script.split():
        role, _, blocks = word.partition(":")
        content = [block(part) for part in blocks.split(",") if part]
        messages.append({"role": {"u": "user", "a": "assistant"}[role], "content": content})

    assert (anthropic_violations(messages) == []) == accepted


PARTS: dict[str, Any] = {
    "t": {"text": "x"},
    "+": {"functionCall": {"name": "f"}},
    "-": {"functionResponse": {"name": "f"}},
}


@pytest.mark.parametrize(
    ("script", "accepted"),
    [
        ("u:t m:t++ u:-- m:t", True),
        ("u:t m:+ u:- m:+ u:-", True),
        ("u:t m:++ u:-", True),
        ("u:t m:+", True),
        ("u:t m:++ u:- m:t", False),
        ("u:t m:+ u:t", False),
        ("u:t m:+ u:-t", False),
        ("u:t m:t m:+ u:-", False),
        ("u:t u:-", False),
        ("m:t u:t", False),
        ("u: m:t", False),
    ],
)
def test_gemini(script: str, accepted: bool) -> None:
    contents: list[dict[str, Any]] = []
    for word in script.split():
        role, _, parts = word.partition(":")
        contents.append(
            {"role": {"u": "user", "m": "model"}[role], "parts": [PARTS[part] for part in parts]}
        )

    assert (gemini_violations(contents) == []) == accepted
