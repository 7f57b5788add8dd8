"""Which tools a message calls, and which calls it answers."""

import pytest

from chatstore.core import ChatMessage
from chatstore.core.tools import tool_call_ids, tool_result_ids


def assistant(**fields):
    return ChatMessage(role="assistant", **fields)


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
        (assistant(additional_kwargs={"function_call": {"name": "f"}}), ["function:f"]),
        # What is no call does no harm.
        (assistant(additional_kwargs={"tool_calls": None}), []),
        (assistant(additional_kwargs={"tool_calls": ["x", {}, {"id": 5}]}), []),
        (ChatMessage(role="model", additional_kwargs=CALLS), ["1", "2"]),
        (ChatMessage(role="chatbot", additional_kwargs=CALLS), ["1", "2"]),
    ],
)
def test_calls(message, ids):
    assert tool_call_ids(message) == ids
    assert tool_result_ids(message) == []


@pytest.mark.parametrize(
    ("message", "ids"),
    [
        (ChatMessage(role="tool", additional_kwargs={"tool_call_id": "1"}), ["1"]),
        (ChatMessage(role="function", additional_kwargs={"name": "f"}), ["function:f"]),
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
def test_results(message, ids):
    assert tool_result_ids(message) == ids
    assert tool_call_ids(message) == []


@pytest.mark.parametrize("role", ["tool", "function"])
def test_a_result_without_an_id_answers_a_call_that_nobody_makes(role):
    [name] = tool_result_ids(ChatMessage(role=role, content="a"))

    assert name not in tool_call_ids(assistant(additional_kwargs=CALLS))
