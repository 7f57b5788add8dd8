"""The AI SDK's messages, and back unchanged; what the form lacks is not in them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from generated_messages import JSON, OBJECTS, stored
from hypothesis import given
from hypothesis import strategies as st
from provider_types import check_ui_messages

from chatstore.core import (
    ChatMessage,
    SimpleChatStore,
    from_ui_messages,
    to_anthropic,
    to_openai,
    to_ui_messages,
)
from chatstore.core.testing.provider_rules import (
    anthropic_violations,
    chat_completions_violations,
)

TIME = datetime(2026, 11, 23, tzinfo=timezone.utc)
URL = "https://example.org/a"
words = st.text(st.characters(codec="utf-8"), max_size=5)
state = st.sampled_from([{}, {"state": "done"}, {"state": "streaming"}])
text_parts = st.builds(lambda text, more: {"type": "text", "text": text, **more}, words, state)
files = st.builds(
    lambda media_type, url, name: {"type": "file", "mediaType": media_type, "url": url, **name},
    st.sampled_from(["image/png", "application/pdf", "audio/mpeg"]),
    st.sampled_from([URL, "data:image/png;base64," + "QUJD" * 40, "data:,x"]),
    st.sampled_from([{}, {"filename": "a.png"}]),
)
results = st.one_of(
    st.just({"state": "input-streaming"}),
    st.builds(lambda value: {"state": "input-available", "input": value}, JSON),
    st.builds(
        lambda value, result: {"state": "output-available", "input": value, "output": result},
        JSON,
        JSON,
    ),
    st.builds(
        lambda value: {"state": "output-error", "input": value, "errorText": "failed"}, OBJECTS
    ),
    st.just({"state": "output-denied", "input": {}, "approval": {"id": "a", "approved": False}}),
)
tools = st.builds(
    lambda kind, number, result, more: {**kind, "toolCallId": f"c{number}", **result, **more},
    st.sampled_from([{"type": "tool-f"}, {"type": "dynamic-tool", "toolName": "g"}]),
    st.integers(0, 99),
    results,
    st.sampled_from([{}, {"providerExecuted": True}, {"callProviderMetadata": {"x": {}}}]),
)
extras = st.sampled_from(
    [
        {"type": "step-start"},
        {"type": "source-url", "sourceId": "s", "url": URL},
        {"type": "data-weather", "id": "w", "data": {"sun": True}},
        {"type": "reasoning", "text": "hm", "state": "done"},
        {
            "type": "reasoning",
            "text": "hm",
            "providerMetadata": {"anthropic": {"signature": "s"}},
        },
    ]
)
metadata: Any = st.just({}) | st.builds(lambda value: {"metadata": value}, OBJECTS | JSON)
bodies = (
    st.builds(
        lambda parts: {"role": "user", "parts": parts},
        st.lists(text_parts | files | extras, min_size=1, max_size=3),
    )
    | st.builds(lambda part: {"role": "system", "parts": [part]}, text_parts)
    | st.builds(
        lambda parts: {"role": "assistant", "parts": parts},
        st.lists(text_parts | tools | extras | files, min_size=1, max_size=5),
    )
)
messages = st.builds(
    lambda body, message_id, more: {**body, "id": message_id, **more},
    bodies,
    st.uuids().map(str),
    metadata,
)


@given(st.lists(messages, max_size=5))
def test_messages_come_back_unchanged(listed: Any) -> None:
    taken = stored(from_ui_messages(listed))

    assert to_ui_messages(taken) == listed
    to_openai(taken)
    to_anthropic(taken)


CHAT: list[dict[str, Any]] = [
    {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "How is the weather?"}]},
    {
        "id": "a1",
        "role": "assistant",
        "metadata": {"model": "m"},
        "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": "hm", "state": "done"},
            {"type": "text", "text": "Let me look.", "state": "done"},
            {
                "type": "tool-weather",
                "toolCallId": "c1",
                "state": "output-available",
                "input": {"city": "Ulm"},
                "output": {"sun": True},
            },
            {
                "type": "dynamic-tool",
                "toolName": "wind",
                "toolCallId": "c2",
                "state": "output-error",
                "input": {},
                "errorText": "no wind",
            },
            {"type": "step-start"},
            {"type": "text", "text": "Sunny.", "state": "done"},
            {"type": "data-card", "data": 1},
        ],
    },
    {"id": "u2", "role": "user", "parts": [{"type": "text", "text": "Thanks"}]},
]


def test_an_answer_becomes_messages_that_providers_accept() -> None:
    taken = from_ui_messages(CHAT)

    assert [(message.id, message.role.value, message.text) for message in taken] == [
        ("u1", "user", "How is the weather?"),
        ("a1", "assistant", "Let me look."),
        ("a1:1", "tool", '{"sun": true}'),
        ("a1:2", "tool", "no wind"),
        ("a1:3", "assistant", "Sunny."),
        ("u2", "user", "Thanks"),
    ]
    assert taken[1].metadata == {"model": "m"}
    assert chat_completions_violations(to_openai(taken)) == []
    assert anthropic_violations(to_anthropic(taken)["messages"]) == []


def test_adding_the_same_messages_again_adds_nothing() -> None:
    with SimpleChatStore() as store:
        for count in (2, 3, 3):
            store.add_messages("k", from_ui_messages(CHAT[:count]))
        assert to_ui_messages(store.get_messages("k")) == CHAT


def test_an_answer_of_which_a_part_was_removed_is_shown_as_it_is_now() -> None:
    *rest, _, _ = from_ui_messages(CHAT)
    shown = to_ui_messages(rest)

    check_ui_messages(shown)
    assert [part.get("text") for part in shown[1]["parts"] if "text" in part] == [
        "hm",
        "Let me look.",
    ]
    assert [part["output"] for part in shown[1]["parts"] if "output" in part] == [
        {"sun": True},
        "no wind",
    ]


def test_metadata_changed_later_are_the_messages() -> None:
    taken = from_ui_messages(CHAT)
    taken[1].metadata = {"liked": True}
    assert to_ui_messages(taken)[1] == {**CHAT[1], "metadata": {"liked": True}}
    taken[1].metadata = {}
    assert "metadata" not in to_ui_messages(taken)[1]


def test_messages_of_other_formats_become_one_answer() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    shown = to_ui_messages(
        [
            ChatMessage(role="system", content="s", id="s"),
            ChatMessage(role="user", content="q", id="u"),
            ChatMessage(
                role="assistant",
                content="wait",
                additional_kwargs={"tool_calls": [call]},
                id="a",
                metadata={"n": 1},
            ),
            ChatMessage(
                role="tool", content='{"y": 2}', additional_kwargs={"tool_call_id": "c"}, id="t"
            ),
            ChatMessage(role="assistant", content="done", id="b", metadata={"cost": 3}),
        ]
    )

    check_ui_messages(shown)
    assert shown[2] == {
        "id": "a",
        "role": "assistant",
        "metadata": {"n": 1, "cost": 3},
        "parts": [
            {"type": "step-start"},
            {"type": "text", "text": "wait", "state": "done"},
            {
                "type": "tool-f",
                "toolCallId": "c",
                "state": "output-available",
                "input": {"x": 1},
                "output": {"y": 2},
            },
            {"type": "step-start"},
            {"type": "text", "text": "done", "state": "done"},
        ],
    }


SEEN: Any = {"type": "text", "text": "x"}


def message(role: Any, *blocks: Any, **fields: Any) -> ChatMessage:
    return ChatMessage(role=role, content=[*blocks, SEEN], id="m", **fields)


LACKS: dict[str, ChatMessage] = {
    "times and names of messages": message(
        "user", created_at=TIME, additional_kwargs={"name": "Ann"}
    ),
    "results without a call": message(
        "user", {"type": "tool_result", "tool_use_id": "c", "content": "r"}
    ),
    "media without data or a URL": message("user", {"type": "image"}),
    "blocks of unknown types": message("user", {"type": "hologram"}),
}


@pytest.mark.parametrize("what", LACKS)
def test_what_the_form_lacks_is_not_in_the_result(what: str) -> None:
    assert to_ui_messages([LACKS[what]]) == [{"id": "m", "role": "user", "parts": [SEEN]}]
    assert what in " ".join((to_ui_messages.__doc__ or "").split())


def test_signatures_and_empty_messages_are_not_in_the_result() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    shown = to_ui_messages(
        [
            ChatMessage(role="user", id="e"),
            ChatMessage(role="assistant", id="f"),
            ChatMessage(role="developer", content="d", id="d"),
            ChatMessage(role="assistant", content=[thinking], id="a"),
            ChatMessage(role="assistant", content="x", id="b"),
        ]
    )
    assert shown == [
        {"id": "d", "role": "system", "parts": [{"type": "text", "text": "d"}]},
        {
            "id": "a",
            "role": "assistant",
            "parts": [
                {"type": "step-start"},
                {"type": "reasoning", "text": "hm", "state": "done"},
                {"type": "step-start"},
                {"type": "text", "text": "x", "state": "done"},
            ],
        },
    ]
    doc = " ".join((to_ui_messages.__doc__ or "").split())
    for what in (
        "ids of an answer's later messages",
        "signatures of thinking",
        "messages without any part",
        "A developer's messages become the system's",
    ):
        assert what in doc
