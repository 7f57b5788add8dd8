"""Haystack's messages come back equal, and other frameworks can read them."""

from __future__ import annotations

from typing import Any

import pytest
from generated_haystack import conversations
from haystack.dataclasses import ChatMessage, ImageContent, ToolCall
from hypothesis import given

from chatstore.core import ChatMessage as Stored
from chatstore.core import InvalidMessageError, SimpleChatStore
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.haystack import to_haystack, to_messages


def without_id(message: Any) -> Any:
    meta = {key: value for key, value in message.meta.items() if key != "chat_message_id"}
    return message.to_dict() | {"meta": meta}


@given(conversations())
def test_every_message_comes_back_equal(messages: Any) -> None:
    with SimpleChatStore() as store:
        store.add_messages("k", to_messages(messages))
        back: Any = to_haystack(store.get_messages("k"))

    assert list(map(without_id, back)) == list(map(without_id, messages))
    assert len({message.meta["chat_message_id"] for message in back}) == len(messages)


def test_common_fields() -> None:
    calls = [ToolCall("t", {"a": "é"}, id="c1"), ToolCall("t", {"a": 1})]
    messages = [
        ChatMessage.from_system("Be nice."),
        ChatMessage.from_user(content_parts=["look", ImageContent("AAAA", "image/png")], name="Al"),
        ChatMessage.from_assistant("hm", tool_calls=calls, reasoning="I think"),
        *(ChatMessage.from_tool("1", origin=call) for call in calls),
        ChatMessage.from_assistant("done"),
    ]
    stored: Any = to_messages(messages)
    system, user, calling, *results, answer = stored

    assert [message.role.value for message in stored] == [
        "system", "user", "assistant", "tool", "tool", "assistant",
    ]  # fmt: skip
    assert (system.content, answer.content) == ("Be nice.", "done")
    assert [block.type for block in user.content] == ["text", "image"]
    assert user.additional_kwargs["name"] == "Al"
    assert [block.type for block in calling.content] == ["thinking", "text"]
    made = calling.additional_kwargs["tool_calls"]
    assert made[0] == {
        "id": "c1",
        "type": "function",
        "function": {"name": "t", "arguments": '{"a": "é"}'},
    }
    assert [result.additional_kwargs["tool_call_id"] for result in results] == [
        call["id"] for call in made
    ]
    assert provider_violations(stored) == []


def test_what_was_changed_elsewhere_is_read_as_it_says_now() -> None:
    stored: Any = to_messages([ChatMessage.from_assistant("my password is 1234", meta={"a": 1})])[0]
    stored.content = "[removed]"

    assert to_haystack([stored])[0].text == "[removed]"


def test_payload_that_cannot_be_read_leaves_the_common_fields() -> None:
    stored: Any = to_messages([ChatMessage.from_assistant("hi")])[0]
    stored.additional_kwargs["chatstore.payload"]["haystack"]["payload"]["content"] = [{"new": 1}]

    assert to_haystack([stored])[0].text == "hi"


@pytest.mark.parametrize("value", ["\ud800", float("nan"), b"x", (1, 2), object()])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with SimpleChatStore() as store, pytest.raises(InvalidMessageError):
        store.add_messages("k", to_messages([ChatMessage.from_user("hi", meta={"a": value})]))


def test_messages_of_other_frameworks() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "t", "arguments": '{"a":1}'}}
    blocks = [{"type": "tool_result", "tool_use_id": name, "content": name} for name in "de"]
    messages = [
        Stored(role="developer", content="Be nice."),
        Stored(role="user", content=[{"type": "image", "data": "AAAA"}], id="u"),
        Stored(role="assistant", additional_kwargs={"tool_calls": [call]}),
        Stored(role="tool", content="1", additional_kwargs={"tool_call_id": "c"}),
        Stored(
            role="model",
            content=[
                {"type": "thinking", "thinking": "hm"},
                {"type": "tool_call", "id": "d", "name": "u", "arguments": "no JSON"},
                {"type": "tool_use", "id": "e", "name": "v", "input": {}},
            ],
        ),
        Stored(role="user", content=[*blocks, {"type": "text", "text": "and?"}], id="several"),
        Stored(role="assistant", content=[{"type": "video", "url": "https://example.org/a"}]),
    ]
    made: Any = to_haystack(messages)

    assert [message.role.value for message in made] == [
        "system", "user", "assistant", "tool", "assistant", "tool", "tool", "user",
    ]  # fmt: skip
    assert made[1].image.base64_image == "AAAA"
    assert made[2].tool_call == ToolCall("t", {"a": 1}, "c")
    assert made[3].tool_call_result.origin == made[2].tool_call
    assert made[4].reasoning.reasoning_text == "hm"
    assert [call.arguments for call in made[4].tool_calls] == [{"arguments": "no JSON"}, {}]
    assert [message.tool_call_result.result for message in made[5:7]] == ["d", "e"]
    assert made[7].text == "and?"
    assert {message.meta["chat_message_id"] for message in made[5:]} == {"several"}


def test_media_in_the_forms_of_providers_are_read() -> None:
    image: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": [image], "is_error": True}
    messages = [
        Stored(role="user", content=[image]),
        Stored(role="user", content=[result]),
    ]

    question, answer = to_haystack(messages)

    media = ImageContent("AAAA", "image/png", validation=False)
    assert answer.tool_call_result is not None
    assert answer.tool_call_result.error
    assert [question.image, answer.tool_call_result.result] == [media, [media]]
