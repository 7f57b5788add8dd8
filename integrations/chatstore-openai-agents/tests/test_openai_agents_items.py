"""Items of every kind become messages and come back unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from generated_openai_agents import KINDS, conversations, made_of
from hypothesis import given
from hypothesis import strategies as st

from chatstore.core import ChatMemoryBuffer, ChatMessage, InvalidMessageError, SimpleChatStore
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.openai_agents import to_items, to_messages


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def call(name: str, **more: Any) -> Any:
    return {"type": "function_call", "call_id": name, "name": "t", "arguments": "{}", **more}


def output(name: str, content: Any = "1") -> Any:
    return {"type": "function_call_output", "call_id": name, "output": content}


def assistant(text: str, **more: Any) -> Any:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {
        "type": "message",
        "role": "assistant",
        "content": [part],
        "status": "completed",
        **more,
    }


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz"}


def test_sdk_has_the_kinds_of_items_that_are_generated() -> None:
    assert len(KINDS) >= 33


def check_return(items: Any) -> None:
    with SimpleChatStore() as store:
        store.add_messages("k", to_messages(items))
        assert to_items(store.get_messages("k")) == items
        assert store.count_messages("k") == len(items)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_item_comes_back_as_it_was(kind: str) -> None:
    given(st.lists(made_of(kind), max_size=3))(check_return)()


@given(conversations())
def test_conversations_come_back_as_they_were(items: Any) -> None:
    check_return(items)


@given(st.lists(st.sampled_from(["user", "call", "output", "said", "reasoning"]), max_size=12))
def test_windows_of_any_items_are_accepted_by_providers(shape: Any) -> None:
    items, unanswered = [], []
    for place, kind in enumerate(shape):
        if kind == "call":
            unanswered.append(f"c{place}")
            items.append(call(f"c{place}"))
        elif kind == "output":
            items.append(output(unanswered.pop(0) if unanswered else "of nothing"))
        else:
            items.append(
                {"user": user("hi"), "said": assistant("yo"), "reasoning": REASONING}[kind]
            )
    buffer = ChatMemoryBuffer(10_000, tokenizer_fn=str.split)
    buffer.put_messages(to_messages(items))

    assert provider_violations(buffer.get()) == []


def test_simple_items_need_no_payload() -> None:
    items = [user("hi"), call("c1"), output("c1"), {"role": "assistant", "content": "yo"}]

    payloads: list[Any] = [
        message.additional_kwargs.get("chatstore.payload") for message in to_messages(items)
    ]
    assert payloads[0] is payloads[3] is None
    assert [payload["openai_agents"]["payload"] for payload in payloads[1:3]] == [True, True]
    assert to_items(to_messages(items)) == items


def test_calls_made_at_once_are_one_exchange() -> None:
    """Chat completions require them in one message, directly before the results."""
    items = [user("hi"), REASONING, call("c1", id="f1"), call("c2"), output("c1"), output("c2")]
    messages: Any = to_messages([*items, assistant("done")])

    assert [message.role.value for message in messages] == [
        "user", "assistant", "assistant", "assistant", "tool", "tool", "assistant",
    ]  # fmt: skip
    calls = [message.additional_kwargs.get("tool_calls", []) for message in messages]
    assert [[made["id"] for made in group] for group in calls] == [
        [],
        [],
        [],
        ["c1", "c2"],
        [],
        [],
        [],
    ]
    assert provider_violations(messages) == []
    assert to_items(messages) == [*items, assistant("done")]


def test_text_after_a_call_carries_the_call() -> None:
    items = [user("hi"), call("c1"), assistant("let me look"), output("c1")]
    messages: Any = to_messages(items)

    assert messages[2].content == "let me look"
    assert messages[2].additional_kwargs["tool_calls"][0]["id"] == "c1"
    assert provider_violations(messages) == []
    assert to_items(messages) == items


def test_what_was_changed_elsewhere_is_read_as_it_says_now() -> None:
    message: Any = to_messages([assistant("my password is 1234")])[0]
    message.content = "[removed]"

    assert to_items([message]) == [{"role": "assistant", "content": "[removed]"}]


def test_payloads_of_others_are_not_read() -> None:
    native = {"chatstore.payload": {"langchain": {"item": assistant("no")}, "openai_agents": "no"}}
    message = ChatMessage(role="user", content="hi", additional_kwargs=native)

    assert to_items([message]) == [user("hi")]


def test_media_are_blocks() -> None:
    content = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
        {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a"},
        {"type": "input_file", "file_id": "file_1"},
    ]
    item: Any = {"role": "user", "content": content}
    message: Any = to_messages([item])[0]

    blocks = [block.model_dump(exclude_none=True) for block in message.content]
    assert blocks == [
        {"type": "text", "text": "look"},
        {"type": "image", "data": "AAAA", "media_type": "image/png"},
        {"type": "image", "url": "https://example.org/a.png"},
        {"type": "document", "data": "AAAA", "media_type": "application/pdf", "name": "a"},
    ]
    assert to_items([message]) == [{"role": "user", "content": content}]


@pytest.mark.parametrize("text", ["\ud800", float("nan"), b"bytes", object()])
@pytest.mark.parametrize("kind", ["mcp_call", "message"])
def test_what_json_cannot_hold_is_refused(text: str, kind: str) -> None:
    item = {"type": kind, "role": "user", "id": "1", "content": text}
    wrong: Any = item
    with SimpleChatStore() as store, pytest.raises(InvalidMessageError):
        store.add_messages("k", to_messages([wrong]))


@pytest.mark.parametrize("item", [{}, {"type": "new"}, {"role": "critic", "content": "x"}])
def test_items_of_tomorrow_are_kept(item: Any) -> None:
    assert to_items(to_messages([item])) == [item]


def test_a_foreign_message_is_one_item_several_or_none() -> None:
    messages = [
        ChatMessage(role="system", content="Be nice."),
        ChatMessage(
            role="user",
            content=[
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": [{"type": "text", "text": "2"}],
                },
                {"type": "text", "text": "and?"},
            ],
        ),
        ChatMessage(
            role="model",
            content=[
                {"type": "thinking", "thinking": "hm"},
                {"type": "text", "text": "look"},
                {"type": "tool_call", "id": "c", "name": "t", "arguments": {"x": 1}},
                {"type": "tool_use", "id": "d", "name": "u", "input": {}},
            ],
        ),
        ChatMessage(role="assistant", content=[{"type": "thinking", "thinking": "hm"}]),
    ]
    items: Any = to_items(messages)

    assert items == [
        {"role": "system", "content": "Be nice."},
        output("a"),
        output("b", [{"type": "input_text", "text": "2"}]),
        {"role": "user", "content": [{"type": "input_text", "text": "and?"}]},
        {"role": "assistant", "content": "look"},
        {"type": "function_call", "call_id": "c", "name": "t", "arguments": '{"x": 1}'},
        {"type": "function_call", "call_id": "d", "name": "u", "arguments": "{}"},
    ]
    assert json.loads(json.dumps(items)) == items
