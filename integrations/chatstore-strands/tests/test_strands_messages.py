"""Messages of Strands in a store's form, and others' messages in Strands' form."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from generated_strands import conversations
from hypothesis import given
from models_strands import call, result

from chatstore.core import ChatMessage, InvalidMessageError, SimpleChatStore
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.strands import to_messages, to_strands

PIXEL = base64.b64encode(b"pixel").decode()


def stored(messages: Any) -> list[ChatMessage]:
    with SimpleChatStore() as store:
        store.set_messages("k", messages)
        return store.get_messages("k")


def without_ids(messages: Any) -> Any:
    return [{k: v for k, v in message.items() if k != "tracking_id"} for message in messages]


def plain(messages: Any) -> list[ChatMessage]:
    """Return messages as another framework reads them."""
    without = [dict(message.additional_kwargs) for message in messages]
    for kwargs in without:
        kwargs.pop("chatstore.payload", None)
    return [
        message.model_copy(update={"additional_kwargs": kwargs})
        for message, kwargs in zip(messages, without, strict=True)
    ]


@given(conversations())
def test_every_message_comes_back_unchanged(conversation: Any) -> None:
    returned: Any = to_strands(stored(to_messages(conversation)))

    assert without_ids(returned) == without_ids(conversation)
    for before, after in zip(conversation, returned, strict=True):
        assert after["tracking_id"] == before.get("tracking_id", after["tracking_id"])


QUESTION = {
    "role": "user",
    "content": [{"text": "q"}, {"image": {"format": "png", "source": {"bytes": b"pixel"}}}],
}
CALLS = {
    "role": "assistant",
    "content": [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"text": "wait"},
        call("f", "1", a=1),
        call("g", "2"),
    ],
}
RESULTS = {"role": "user", "content": [result("1", "x"), result("2", "bad", "error")]}
ANSWER = {"role": "assistant", "content": [{"text": "a"}]}


def test_common_fields_are_what_other_frameworks_read() -> None:
    messages: Any = [QUESTION, CALLS, RESULTS, ANSWER]

    question, calls, results, answer = plain(stored(to_messages(messages)))

    text = {"type": "text", "text": "q"}
    image = {"type": "image", "data": PIXEL, "media_type": "image/png"}
    assert question == ChatMessage(role="user", content=[text, image])
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert calls == ChatMessage(
        role="assistant",
        content=[thinking, {"type": "text", "text": "wait"}],
        additional_kwargs={
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                {"id": "2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ]
        },
    )
    first = {"type": "tool_result", "tool_use_id": "1", "content": "x"}
    second = {"type": "tool_result", "tool_use_id": "2", "content": "bad", "is_error": True}
    assert results == ChatMessage(role="user", content=[first, second])
    assert answer == ChatMessage(role="assistant", content="a")
    assert provider_violations([question, calls, results, answer]) == []


def test_common_fields_alone_make_the_same_messages() -> None:
    messages: Any = [QUESTION, CALLS, RESULTS, ANSWER]

    assert without_ids(to_strands(plain(stored(to_messages(messages))))) == messages


def test_one_result_has_the_role_of_tools() -> None:
    [message] = plain(to_messages([{"role": "user", "content": [result("1", "x")]}]))

    assert message == ChatMessage(role="tool", content="x", additional_kwargs={"tool_call_id": "1"})


def test_messages_of_others_become_turns() -> None:
    kwargs = {
        "tool_calls": [
            {"id": "", "type": "function", "function": {"name": name, "arguments": "{}"}}
            for name in ("f", "g")
        ]
    }
    others = [
        ChatMessage(role="system", content="Be nice."),
        ChatMessage(role="user", content="q"),
        ChatMessage(role="assistant", content=[{"type": "thinking", "thinking": "unsigned"}]),
        ChatMessage(role="assistant", additional_kwargs=kwargs),
        ChatMessage(role="user", content="quick!"),
        ChatMessage(role="tool", content="1", additional_kwargs={"name": "f"}),
        ChatMessage(role="tool", content="2", additional_kwargs={"name": "g"}),
        ChatMessage(role="assistant", content=" "),
    ]
    for number, message in enumerate(others):
        message.id = f"m{number}"

    returned = to_strands(others)

    assert returned == [
        {"role": "user", "content": [{"text": "q"}], "tracking_id": "m1"},
        {
            "role": "assistant",
            "content": [call("f", "f-m3-0"), call("g", "g-m3-1")],
            "tracking_id": "m3",
        },
        {
            "role": "user",
            "content": [result("f-m3-0", "1"), result("g-m3-1", "2"), {"text": "quick!"}],
            "tracking_id": "m4",
        },
    ]


def test_metadata_survive_and_are_not_sent() -> None:
    question: Any = {**QUESTION, "tracking_id": "t", "metadata": {"custom": {"a": 1}}}
    [message] = stored(to_messages([question]))
    message.metadata = {"price": 3}

    returned: Any = to_strands([message])[0]
    [again] = to_messages([returned])

    assert returned["metadata"]["custom"] == {"a": 1, "chatstore.metadata": {"price": 3}}
    assert again == message
    assert again.metadata == {"price": 3}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"text": "\ud800"}]},
        {"role": "user", "content": [{"text": float("nan")}]},
        {"role": "user", "content": [{"text": object()}]},
        {"role": "assistant", "content": [call("f", "1", a=float("nan"))]},
        {"role": "nobody", "content": []},
        {"role": "user"},
        {"role": "user", "content": [{"text": "a"}], "tracking_id": "x" * 256},
    ],
)
def test_what_json_cannot_hold_is_refused(message: Any) -> None:
    with pytest.raises(InvalidMessageError, match="cannot hold") as caught:
        to_messages([message])

    assert caught.value.__context__ is None
