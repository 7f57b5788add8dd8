"""The tool calls of a message, and the calls that it answers."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core import ChatMessage
from chatstore.core.tool_calls import (
    call_references,
    calls_of,
    result_references,
    results_of,
)


def assistant(**fields: Any) -> Any:
    return ChatMessage(role="assistant", **fields)


def call_ids(message: Any) -> Any:
    """Return the ids of a message's calls, or the tool's name of a call without an id."""
    references = call_references(message)
    assert [(call.id, call.name) for call in calls_of(message)] == references
    return [reference.id or reference.name for reference in references]


def result_ids(message: Any) -> Any:
    """Return the ids of a message's results, or the tool's name of a result without an id."""
    references = result_references(message)
    assert [(result.id, result.name or "") for result in results_of(message)] == references
    return [reference.id or reference.name for reference in references]


CALLS = {"tool_calls": [{"id": "1", "function": {}}, {"id": "2", "function": {}}]}


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        (assistant(content="none"), []),
        (assistant(additional_kwargs=CALLS), ["1", "2"]),
        (ChatMessage(role="user", additional_kwargs=CALLS), []),
        (assistant(content=[{"type": "tool_call", "id": "3", "name": "f"}]), ["3"]),
        (assistant(content=[{"type": "tool_use", "id": "4", "name": "f", "input": {}}]), ["4"]),
        # One call in two forms is one call.
        (
            assistant(
                content=[{"type": "tool_call", "id": "1", "name": "f"}], additional_kwargs=CALLS
            ),
            ["1", "2"],
        ),
        (assistant(additional_kwargs={"function_call": {"name": "f"}}), ["f"]),
        # What is not a call is left out.
        (assistant(additional_kwargs={"tool_calls": None}), []),
        (assistant(additional_kwargs={"tool_calls": ["x", {}, {"id": None}]}), []),
        # Ids may be missing, repeated, or numbers.
        (assistant(additional_kwargs={"tool_calls": [{"id": 0}, {"id": 0}]}), ["0", "0"]),
        (
            assistant(
                additional_kwargs={"tool_calls": [{"id": "", "function": {"name": "f"}}] * 2},
                content=[{"type": "tool_call", "id": "", "name": "f"}] * 3,
            ),
            ["f", "f", "f"],
        ),
        (
            assistant(content=[{"type": "function_call", "call_id": "6", "name": "f"}]),
            ["6"],
        ),
        (
            assistant(
                additional_kwargs={
                    "function_call": {"name": "f"},
                    "tool_calls": [{"id": "1", "function": {"name": "f"}}],
                }
            ),
            ["1"],
        ),
        (ChatMessage(role="model", additional_kwargs=CALLS), ["1", "2"]),
        (ChatMessage(role="chatbot", additional_kwargs=CALLS), ["1", "2"]),
    ],
)
def test_calls(message: Any, ids: Any) -> None:
    assert call_ids(message) == ids
    assert result_ids(message) == []


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        (ChatMessage(role="tool", additional_kwargs={"tool_call_id": "1"}), ["1"]),
        (ChatMessage(role="function", additional_kwargs={"name": "f"}), ["f"]),
        (
            ChatMessage(
                role="user",
                content=[
                    {"type": "tool_result", "tool_use_id": "4", "content": "a"},
                    {"type": "tool_result", "tool_use_id": "5", "content": "b"},
                    {"type": "text", "text": "c"},
                ],
            ),
            ["4", "5"],
        ),
        (ChatMessage(role="user", content="a"), []),
        (assistant(content=[{"type": "tool_result", "tool_use_id": "4"}]), []),
    ],
)
def test_results(message: Any, ids: Any) -> None:
    assert result_ids(message) == ids
    assert call_ids(message) == []


@pytest.mark.parametrize("role", ["tool", "function"])
def test_a_result_without_an_id(role: Any) -> None:
    assert result_references(ChatMessage(role=role, content="a")) == [("", "")]


def test_arguments_and_results_come_as_text_or_blocks() -> None:
    call = assistant(content=[{"type": "tool_use", "id": "4", "name": "f", "input": {"x": 1}}])
    image = {"type": "image", "url": "https://example.com/a.png"}
    result = {"type": "tool_result", "tool_use_id": "4", "content": [image]}
    message = ChatMessage(role="user", content=[result, {"type": "text", "text": "and?"}])

    assert calls_of(call)[0].arguments == '{"x": 1}'
    assert results_of(message)[0].content == ChatMessage(role="user", content=[image]).content
