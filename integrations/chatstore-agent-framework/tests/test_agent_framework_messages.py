"""Messages come back unchanged, and other frameworks read their common fields."""

from __future__ import annotations

from typing import Any

import pytest
from agent_framework import Content, Message
from generated_agent_framework import conversations, saved
from hypothesis import given

from chatstore.agent_framework import to_agent_framework, to_messages
from chatstore.core import ChatMessage, InvalidMessageError, SimpleChatStore, from_openai, to_openai
from chatstore.core.messages import METADATA_KEY, PAYLOADS_KEY
from chatstore.core.tool_calls import calls_of

CALL = Content.from_function_call("c1", "weather", arguments={"city": "Oslo"})
RESULT = Content.from_function_result("c1", result="sunny")
PNG = "data:image/png;base64,aGk="


def stored(messages: list[Message]) -> list[ChatMessage]:
    """Return what a store returns for messages."""
    with SimpleChatStore() as store:
        store.add_messages("k", to_messages(messages))
        return store.get_messages("k")


@given(conversations())
def test_messages_come_back_unchanged(messages: list[Message]) -> None:
    returned = to_agent_framework(stored(messages))

    fields = [message.to_dict(exclude={"message_id"}) for message in returned]
    assert fields == list(map(saved, messages))
    assert all(message.message_id for message in returned)


def test_properties_that_are_not_json_are_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for value in (b"x", float("nan"), object(), {1: 2}, endless):
        for message in (
            Message("user", ["hi"], additional_properties={"a": [value]}),
            Message("user", [Content.from_text("hi", additional_properties={"a": value})]),
        ):
            with pytest.raises(InvalidMessageError, match="JSON cannot hold"):
                to_messages([message])
    wrong: Any = ["hi"]
    with pytest.raises(InvalidMessageError, match=r"must be an agent_framework\.Message"):
        to_messages(wrong)


def test_an_id_that_a_store_cannot_hold_comes_back() -> None:
    long = Message("user", ["hi"], message_id="i" * 300)
    [returned] = to_agent_framework(stored([long]))
    assert returned.message_id == "i" * 300


def test_text_needs_no_payload() -> None:
    [message] = to_messages([Message("user", ["hi"], author_name="Ada", message_id="m")])
    assert message.model_dump(exclude_defaults=True) == {
        "role": "user",
        "content": "hi",
        "additional_kwargs": {"name": "Ada"},
        "id": "m",
    }


def test_other_frameworks_read_calls_results_and_media() -> None:
    second = Content.from_function_call("c2", "clock", arguments="{}")
    picture = Content.from_function_result("c2", result=[Content.from_uri(PNG)])
    messages = [
        Message("user", ["Weather?", Content.from_uri(PNG)]),
        Message("assistant", [Content.from_text_reasoning(text="hm"), "One moment.", CALL, second]),
        Message("tool", [RESULT, picture]),
        Message("custom", ["Sunny."]),
    ]
    chat: Any = to_openai(stored(messages))
    assert [message["role"] for message in chat] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
        "user",
    ]
    assert chat[0]["content"][1]["image_url"]["url"] == PNG
    assert [call["function"] for call in chat[1]["tool_calls"]] == [
        {"name": "weather", "arguments": '{"city": "Oslo"}'},
        {"name": "clock", "arguments": "{}"},
    ]
    assert (chat[2]["tool_call_id"], chat[2]["content"]) == ("c1", "sunny")


def test_only_calls_that_this_program_answers_are_calls_for_others() -> None:
    hosted = Content.from_function_call("h", "search", informational_only=True)
    own = Content.from_shell_tool_call(call_id="s", commands=["ls"])
    output = Content.from_shell_command_output(stdout="a", stderr="b")
    answered = Content.from_shell_tool_result(call_id="s", outputs=[output])
    [ran, requested, result] = to_messages(
        [
            Message("assistant", [hosted, own, answered, "Done."]),
            Message("assistant", [own]),
            Message("tool", [answered]),
        ]
    )
    assert "tool_calls" not in ran.additional_kwargs
    [call] = calls_of(requested)
    assert call == ("s", "shell", '{"commands": ["ls"]}')
    assert (result.content, result.additional_kwargs["tool_call_id"]) == ("ab", "s")


def test_messages_of_others_become_messages_of_the_framework() -> None:
    call = {"id": "", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    other = [
        from_openai({"role": "developer", "content": "Be brief."}),
        from_openai({"role": "user", "content": "Weather?", "name": "Ada"}),
        from_openai({"role": "assistant", "content": None, "tool_calls": [call, call]}),
        ChatMessage(
            role="user",
            content=[
                {"type": "tool_result", "tool_use_id": "", "content": "sunny"},
                {"type": "tool_result", "tool_use_id": "", "content": "rainy"},
                {"type": "text", "text": "Well?"},
            ],
            id="both",
        ),
        ChatMessage(role="assistant", content=[{"type": "unknown", "x": 1}]),
    ]
    [system, user, calls, results, text] = to_agent_framework(other)

    assert [system.role, user.role, calls.role] == ["system", "user", "assistant"]
    assert (user.text, user.author_name) == ("Weather?", "Ada")
    ids = [content.call_id for content in calls.contents]
    assert len(set(ids)) == 2
    assert [content.call_id for content in results.contents] == ids
    assert [content.result for content in results.contents] == ["sunny", "rainy"]
    assert (results.role, text.role, text.text) == ("tool", "user", "Well?")
    assert results.message_id == text.message_id == "both"


def test_changes_of_common_fields_win_over_the_payload() -> None:
    [message] = stored([Message("assistant", ["old", CALL])])
    assert PAYLOADS_KEY in message.additional_kwargs
    changed = message.model_copy(update={"content": "new"})
    [returned] = to_agent_framework([changed])
    assert returned.text == "new"
    assert returned.contents[1].call_id == "c1"


def test_metadata_survive_the_framework() -> None:
    message = ChatMessage(role="user", content="hi", metadata={"vote": 1}, id="m")
    [returned] = to_agent_framework([message])
    assert returned.additional_properties == {METADATA_KEY: {"vote": 1}}
    [again] = to_messages([returned])
    assert (again, again.metadata, again.id) == (message, {"vote": 1}, "m")
