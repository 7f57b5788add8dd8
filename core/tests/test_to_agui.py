"""Messages of AG-UI, and back unchanged; what the protocol lacks is not in them."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import Any

import pytest
from ag_ui.core import AssistantMessage, FunctionCall, ToolCall
from generated_messages import OBJECTS, stored
from hypothesis import given
from hypothesis import strategies as st
from provider_types import check_agui

from chatstore.core import ChatMessage, from_agui, to_agui, to_openai
from chatstore.core.testing.provider_rules import chat_completions_violations

TIME = datetime(2026, 11, 23, tzinfo=timezone.utc)
URL = "https://example.org/a"
words = st.text(st.characters(codec="utf-8"), max_size=5)
more = st.sampled_from(
    [{}, {"encryptedValue": "x"}, {"metadata": {}}, {"subagentRunId": "s"}]
) | st.builds(lambda metadata: {"metadata": metadata}, OBJECTS)
sources = st.sampled_from(
    [
        {"type": "data", "value": "AAAA", "mimeType": "image/png"},
        {"type": "url", "value": URL},
        {"type": "url", "value": URL, "mimeType": "audio/mpeg"},
        {"type": "file", "value": "file_1", "provider": "openai"},
    ]
)
parts = (
    st.builds(lambda text: {"type": "text", "text": text}, words)
    | st.builds(
        lambda kind, source: {"type": kind, "source": source},
        st.sampled_from(["image", "audio", "video", "document"]),
        sources,
    )
    | st.just({"type": "binary", "mimeType": "image/png", "data": "AAAA", "filename": "a.png"})
)
calls = st.lists(
    st.builds(
        lambda number, arguments: {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": "f", "arguments": arguments},
        },
        st.integers(0, 99),
        words,
    ),
    min_size=1,
    max_size=2,
)
bodies = (
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["system", "developer", "reasoning"]),
        words,
    )
    | st.builds(
        lambda content, name: {"role": "user", "content": content, **name},
        words | st.lists(parts, max_size=3),
        st.sampled_from([{}, {"name": "Ann"}]),
    )
    | st.builds(
        lambda content, made: {"role": "assistant", **content, **made},
        st.just({}) | st.builds(dict, content=words),
        st.just({}) | st.builds(dict, toolCalls=calls),
    )
    | st.builds(
        lambda content, number, error: {
            "role": "tool",
            "toolCallId": f"call_{number}",
            "content": content,
            **error,
        },
        words | st.lists(parts, min_size=1, max_size=2),
        st.integers(0, 99),
        st.sampled_from([{}, {"error": "failed"}]),
    )
    | st.builds(
        lambda content: {"role": "activity", "activityType": "PLAN", "content": content}, OBJECTS
    )
)
messages = st.builds(
    lambda body, message_id, rest: {**body, "id": message_id, **rest},
    bodies,
    st.uuids().map(str),
    more,
)


@given(st.lists(messages, max_size=6))
def test_messages_come_back_unchanged(generated: Any) -> None:
    listed = copy.deepcopy(generated)
    made = [call for message in listed for call in message.get("toolCalls", [])]
    for number, call in enumerate(made):
        call["id"] = f"call_{number}"

    taken = stored(from_agui(listed))

    assert to_agui(taken) == listed
    assert [message.id for message in taken] == [item["id"] for item in listed]
    assert [message.metadata for message in taken] == [item.get("metadata", {}) for item in listed]
    to_openai(taken)


def test_objects_of_the_sdk_are_read() -> None:
    call = ToolCall(id="c", function=FunctionCall(name="f", arguments="{}"))
    [message] = from_agui([AssistantMessage(id="m", tool_calls=[call], metadata={"liked": True})])

    assert (message.id, message.metadata) == ("m", {"liked": True})
    [sent] = to_openai([message])
    assert chat_completions_violations([sent]) == []
    assert sent["tool_calls"][0]["id"] == "c"


def test_metadata_changed_later_are_the_messages() -> None:
    activity = {
        "role": "activity",
        "activityType": "PLAN",
        "content": {},
        "id": "m",
        "metadata": {"a": 1},
    }
    [message] = stored(from_agui([activity]))
    message.metadata = {"liked": True}
    assert to_agui([message]) == [{**activity, "metadata": {"liked": True}}]


def test_one_message_may_become_several() -> None:
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "2"},
    ]
    converted = to_agui(
        [
            ChatMessage(
                role="assistant",
                content=[
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": "x"},
                    {"type": "tool_call", "id": "a", "name": "f"},
                    {"type": "tool_call", "id": "b", "name": "f"},
                ],
                id="m1",
            ),
            ChatMessage(role="user", content=[*results, {"type": "text", "text": "q"}], id="m2"),
        ]
    )

    check_agui(converted)
    assert [(item["id"], item["role"]) for item in converted] == [
        ("m1:0", "reasoning"),
        ("m1", "assistant"),
        ("m2:0", "tool"),
        ("m2:1", "tool"),
        ("m2", "user"),
    ]


SEEN: Any = {"type": "text", "text": "x"}


def message(role: Any, *blocks: Any, **fields: Any) -> ChatMessage:
    return ChatMessage(role=role, content=[*blocks, SEEN], id="m", **fields)


LACKS: dict[str, ChatMessage] = {
    "times of messages": message("user", created_at=TIME),
    "names of tools' messages": message(
        "tool", additional_kwargs={"name": "f", "tool_call_id": "c"}
    ),
    "media in messages of a model": message("model", {"type": "image", "url": URL}),
    "media without data or a URL": message("user", {"type": "image"}),
    "thinking of others than a model": message("user", {"type": "thinking", "thinking": "hm"}),
    "blocks of unknown types": message("user", {"type": "hologram"}),
}


@pytest.mark.parametrize("what", LACKS)
def test_what_the_protocol_lacks_is_not_in_the_result(what: str) -> None:
    role = LACKS[what].role.value
    parts = [{"type": "text", "text": "x"}]
    expected: dict[str, Any] = {"id": "m", "role": role, "content": parts}
    if role == "model":
        expected = {"id": "m", "role": "assistant", "content": "x"}
    if role == "tool":
        expected["toolCallId"] = "c"

    assert to_agui([LACKS[what]]) == [expected]
    assert what in " ".join((to_agui.__doc__ or "").split())


def test_signatures_and_names_of_files_are_not_in_the_result() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    file = {"type": "document", "url": URL, "name": "a.pdf"}
    converted = to_agui(
        [
            ChatMessage(role="assistant", content=[thinking], id="a"),
            ChatMessage(role="user", content=[file], id="b"),
            ChatMessage(role="user", id="c"),
        ]
    )

    assert converted == [
        {"id": "a", "role": "reasoning", "content": "hm"},
        {
            "id": "b",
            "role": "user",
            "content": [{"type": "document", "source": {"type": "url", "value": URL}}],
        },
    ]
    doc = " ".join((to_agui.__doc__ or "").split())
    assert "signatures of thinking" in doc
    assert "names of files" in doc
    assert "without content" in doc


def test_results_answer_calls_that_are_returned_with_repeated_ids() -> None:
    call = {"id": "x", "type": "function", "function": {"name": "t", "arguments": "{}"}}
    answer: dict[str, Any] = {"role": "assistant", "toolCalls": [call], "encryptedValue": "e"}
    result: dict[str, Any] = {"role": "tool", "toolCallId": "x", "content": "1"}
    listed = [{**item, "id": str(n)} for n, item in enumerate(2 * [answer, result])]
    assert to_agui(from_agui(listed)) == listed
