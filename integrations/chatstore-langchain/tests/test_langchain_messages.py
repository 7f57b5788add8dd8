"""LangChain's messages come back equal, and other frameworks can read them."""

from __future__ import annotations

from typing import Any

import pytest
from generated_langchain import conversations
from hypothesis import HealthCheck, given, settings
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from chatstore.core import ChatMessage as Stored
from chatstore.core import InvalidMessageError, SimpleChatStore
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.langchain import to_langchain, to_messages


@given(conversations())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_message_comes_back_equal(messages: Any) -> None:
    with SimpleChatStore() as store:
        store.add_messages("k", to_messages(messages))
        back: Any = to_langchain(store.get_messages("k"))

    assert back == messages
    assert [type(message) for message in back] == [type(message) for message in messages]


def test_common_fields() -> None:
    image = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
    thought = {"type": "thinking", "thinking": "I think", "signature": "s"}
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    messages = [
        SystemMessage("Be nice."),
        HumanMessage(["look", image], name="Al", id="h1"),
        AIMessage(
            [thought],
            tool_calls=[{"name": "t", "args": {"a": 1}, "id": "c1", "type": "tool_call"}],
            response_metadata={"model_provider": "anthropic"},
            usage_metadata=usage,
        ),
        ToolMessage("1", tool_call_id="c1", artifact={"rows": [1]}),
        AIMessage("done"),
    ]
    stored: Any = to_messages(messages)
    system, user, calling, result, answer = stored

    assert (system.content, answer.content) == ("Be nice.", "done")
    assert [block.type for block in user.content] == ["text", "image"]
    assert (user.id, user.additional_kwargs["name"]) == ("h1", "Al")
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
    assert to_langchain(stored) == messages
    converted: Any = to_langchain(stored)
    assert converted[2].usage_metadata == usage
    assert converted[3].artifact == {"rows": [1]}


def test_only_what_the_common_fields_do_not_tell_is_kept_beside_them() -> None:
    stored: Any = to_messages([HumanMessage("hi"), HumanMessage("hi", id="7")])

    plain, known = stored
    assert plain.additional_kwargs == {}
    assert known.additional_kwargs["chatstore.payload"]["langchain"]["payload"]["data"]["id"] == "7"


def test_what_was_changed_elsewhere_is_read_as_it_says_now() -> None:
    stored: Any = to_messages([HumanMessage("my password is 1234", id="7")])[0]
    stored.content = "[removed]"

    assert to_langchain([stored]) == [HumanMessage("[removed]")]


def test_payload_that_cannot_be_read_leaves_the_common_fields() -> None:
    stored: Any = to_messages([AIMessage("hi", id="7")])[0]
    stored.additional_kwargs["chatstore.payload"]["langchain"]["payload"]["type"] = "new"

    assert to_langchain([stored]) == [AIMessage("hi")]


def test_several_results_in_one_message_are_a_message_each() -> None:
    results = [
        {"type": "tool_result", "tool_use_id": name, "content": f"of {name}"} for name in "ab"
    ]
    words = {"type": "text", "text": "and now?"}
    made: Any = to_langchain([Stored(role="user", content=[*results, words])])

    assert [(message.type, message.text) for message in made] == [
        ("tool", "of a"),
        ("tool", "of b"),
        ("human", "and now?"),
    ]
    assert made[1].tool_call_id == "b"


@pytest.mark.parametrize("artifact", [Document("a"), [Document("a", metadata={"page": 1})], []])
def test_documents_of_a_retriever_come_back_equal(artifact: Any) -> None:
    message = ToolMessage("hi", tool_call_id="1", artifact=artifact)

    assert to_langchain(to_messages([message])) == [message]


@pytest.mark.parametrize(
    "artifact", ["\ud800", float("nan"), (1, 2), object(), [Document("a"), 1], {"a": {1}}]
)
def test_what_json_cannot_hold_is_refused(artifact: Any) -> None:
    message = ToolMessage("hi", tool_call_id="1", artifact=artifact)
    with SimpleChatStore() as store, pytest.raises(InvalidMessageError):
        store.add_messages("k", to_messages([message]))


@pytest.mark.parametrize("message", [RemoveMessage("1"), "hi", Stored(role="user", content="hi")])
def test_what_is_no_message_is_refused(message: Any) -> None:
    with pytest.raises(InvalidMessageError, match=type(message).__name__):
        to_messages([message])


def test_media_in_the_forms_of_providers_are_read() -> None:
    image: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": [image]}
    messages = [
        Stored(role="user", content=[image]),
        Stored(role="user", content=[result]),
    ]

    question, answer = to_langchain(messages)

    media = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
    assert [question.content, answer.content] == [[media], [media]]
