"""LlamaIndex's messages come back equal, and other frameworks can read them."""

from __future__ import annotations

from typing import Any

import pytest
from generated_llama_index import conversations
from hypothesis import HealthCheck, given, settings
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from chatstore.core import ChatMessage as Stored
from chatstore.core import InvalidMessageError, SimpleChatStore
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.llama_index import to_llama_index, to_messages


@given(conversations())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_message_comes_back_equal(messages: Any) -> None:
    with SimpleChatStore() as store:
        store.add_messages("k", to_messages(messages))
        back: Any = to_llama_index(store.get_messages("k"))

    assert back == messages


def test_common_fields() -> None:
    messages = [
        ChatMessage(role="system", content="Be nice."),
        ChatMessage(role="user", blocks=[TextBlock(text="look"), ImageBlock(image=b"\x89PNG a")]),
        ChatMessage(
            role="assistant",
            blocks=[
                ThinkingBlock(content="I think", additional_information={"signature": "s"}),
                ToolCallBlock(tool_call_id="c1", tool_name="t", tool_kwargs={"a": 1}),
            ],
        ),
        ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "c1"}),
        ChatMessage(role="assistant", content="done"),
    ]
    stored: Any = to_messages(messages)
    system, user, calling, result, answer = stored

    assert (system.content, answer.content) == ("Be nice.", "done")
    assert [block.type for block in user.content] == ["text", "image"]
    assert user.content[1].media_type == "image/png"
    assert calling.content[0].model_dump() == {
        "type": "thinking",
        "thinking": "I think",
        "signature": "s",
    }
    assert calling.additional_kwargs["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "t", "arguments": '{"a": 1}'}}
    ]
    assert result.additional_kwargs["tool_call_id"] == "c1"
    assert provider_violations(stored) == []
    assert to_llama_index(stored) == messages


def test_only_what_the_common_fields_do_not_tell_is_kept_beside_them() -> None:
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    plain, pointed = to_messages(
        [
            ChatMessage(role="user", content="hi"),
            ChatMessage(role="user", blocks=[TextBlock(text="hi"), point]),
        ]
    )

    assert plain.additional_kwargs == {}
    assert pointed.content == "hi"
    assert "chatstore.payload" in pointed.additional_kwargs


def test_what_was_changed_elsewhere_is_read_as_it_says_now() -> None:
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    blocks = [TextBlock(text="my password is 1234"), point]
    stored: Any = to_messages([ChatMessage(role="user", blocks=blocks)])[0]
    stored.content = "[removed]"

    assert to_llama_index([stored]) == [ChatMessage(role="user", content="[removed]")]


def test_payload_that_cannot_be_read_leaves_the_common_fields() -> None:
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    stored: Any = to_messages([ChatMessage(role="user", blocks=[TextBlock(text="hi"), point])])[0]
    stored.additional_kwargs["chatstore.payload"]["llama_index"]["payload"]["blocks"] = [
        {"block_type": "new"}
    ]

    assert to_llama_index([stored])[0].content == "hi"


def test_several_results_in_one_message_are_a_message_each() -> None:
    results = [
        {"type": "tool_result", "tool_use_id": name, "content": f"of {name}"} for name in "ab"
    ]
    words = {"type": "text", "text": "and now?"}
    made: Any = to_llama_index([Stored(role="user", content=[*results, words])])

    assert [(message.role.value, message.content) for message in made] == [
        ("tool", "of a"),
        ("tool", "of b"),
        ("user", "and now?"),
    ]
    assert made[1].additional_kwargs == {"tool_call_id": "b"}


@pytest.mark.parametrize("value", ["\ud800", float("nan"), object(), {"a": [float("inf")]}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    message = ChatMessage(role="user", content="hi", additional_kwargs={"a": value})
    with SimpleChatStore() as store, pytest.raises(InvalidMessageError):
        store.add_messages("k", to_messages([message]))


def test_what_is_no_message_is_refused() -> None:
    wrong: Any = Stored(role="user", content="hi")
    with pytest.raises(InvalidMessageError, match=r"llama_index\.core\.llms\.ChatMessage"):
        to_messages([wrong])


def test_media_in_the_forms_of_providers_are_read() -> None:
    image: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": [image]}
    messages = [
        Stored(role="user", content=[image]),
        Stored(role="user", content=[result]),
    ]

    question, answer = to_llama_index(messages)

    media = ImageBlock(image=b"AAAA", image_mimetype="image/png")
    assert [question.blocks, answer.blocks] == [[media], [media]]
