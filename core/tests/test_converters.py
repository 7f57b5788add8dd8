"""Every format is made of any messages, and of messages that came from any other format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from generated_messages import CONVERSATIONS, MESSAGES, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from provider_types import (
    check_agui,
    check_anthropic,
    check_gemini,
    check_openai,
    check_responses,
    check_ui_messages,
)

from chatstore.core import (
    ChatMessage,
    InvalidMessageError,
    from_agui,
    from_anthropic,
    from_gemini,
    from_openai,
    from_responses,
    from_ui_messages,
    to_agui,
    to_anthropic,
    to_gemini,
    to_openai,
    to_responses,
    to_ui_messages,
)
from chatstore.core.testing.provider_rules import (
    anthropic_violations,
    chat_completions_violations,
    responses_violations,
)
from chatstore.core.testing.request_rules import gemini_violations

FORMATS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[[Any], Any]]] = {
    "openai": (to_openai, lambda items: list(map(from_openai, items)), check_openai),
    "anthropic": (to_anthropic, lambda request: from_anthropic(**request), check_anthropic),
    "gemini": (to_gemini, lambda request: from_gemini(**request), check_gemini),
    "responses": (to_responses, from_responses, check_responses),
    "ui_messages": (to_ui_messages, from_ui_messages, check_ui_messages),
    "agui": (to_agui, from_agui, check_agui),
}
RULES: dict[str, Callable[[Any], list[str]]] = {
    "openai": chat_completions_violations,
    "anthropic": lambda request: anthropic_violations(request["messages"]),
    "gemini": lambda request: gemini_violations(request["contents"]),
    "responses": responses_violations,
}


@pytest.mark.parametrize("name", FORMATS)
def test_any_messages_are_converted(name: str) -> None:
    to, _, _ = FORMATS[name]

    @given(st.lists(MESSAGES, max_size=4))
    def check(messages: Any) -> None:
        before = [message.model_dump() for message in messages]
        to(messages)
        assert [message.model_dump() for message in messages] == before

    check()


@pytest.mark.parametrize("name", FORMATS)
def test_complete_conversations_have_the_types_and_obey_the_rules(name: str) -> None:
    to, _, check_types = FORMATS[name]

    @given(CONVERSATIONS)
    def check(messages: Any) -> None:
        converted = to(messages)
        check_types(converted)
        assert RULES.get(name, lambda _: [])(converted) == []

    check()


@pytest.mark.parametrize("second", FORMATS)
@pytest.mark.parametrize("first", FORMATS)
def test_conversations_go_on_in_every_other_format(first: str, second: str) -> None:
    to_first, from_first, _ = FORMATS[first]
    to_second, _, check_types = FORMATS[second]

    @given(CONVERSATIONS)
    @settings(max_examples=settings().max_examples // 4)
    def check(messages: Any) -> None:
        foreign = to_first(messages)
        taken = stored(from_first(foreign))
        assert to_first(taken) == foreign
        converted = to_second(taken)
        check_types(converted)
        assert RULES.get(second, lambda _: [])(converted) == []

    check()


@pytest.mark.parametrize("name", FORMATS)
def test_metadata_are_never_sent_to_a_provider(name: str) -> None:
    to, _, _ = FORMATS[name]
    message = ChatMessage(role="user", content="x", id="m", metadata={"secret": 1})

    assert ("secret" in repr(to([message]))) is (name in {"ui_messages", "agui"})


@pytest.mark.parametrize("name", ["anthropic", "gemini", "responses", "ui_messages", "agui"])
@pytest.mark.parametrize("argument", [None, "x", {"role": "user"}, ["x"], [1], [[]]])
def test_what_is_not_a_list_of_objects_is_refused(name: str, argument: Any) -> None:
    _, read, _ = FORMATS[name]
    with pytest.raises(InvalidMessageError):
        read(_request(name, argument))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("argument", [None, "x", ChatMessage(role="user"), [{}], [1]])
def test_what_is_not_a_list_of_messages_is_refused(name: str, argument: Any) -> None:
    to, _, _ = FORMATS[name]
    with pytest.raises(InvalidMessageError, match=f"to_{name} takes a list"):
        to(argument)


def _request(name: str, items: Any) -> Any:
    """Return what the function that reads a format takes."""
    fields = {"anthropic": "messages", "gemini": "contents"}
    return {fields[name]: items} if name in fields else items


SECRET = "secret words \ud800"


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("anthropic", {"role": "user", "content": SECRET}),
        ("anthropic", {"role": "tool", "content": SECRET}),
        ("anthropic", {"role": "assistant", "content": [{"type": "tool_use", "id": [SECRET]}]}),
        ("gemini", {"role": "user", "parts": [{"text": SECRET}]}),
        ("gemini", {"role": "tool", "parts": [{"text": SECRET}]}),
        ("gemini", {"role": "user", "parts": SECRET}),
        ("gemini", {"role": "model", "parts": [{"functionCall": {"name": [SECRET]}}]}),
        ("gemini", {"candidates": [{"finishReason": SECRET}]}),
        ("responses", {"role": "user", "content": SECRET}),
        ("responses", {"type": "function_call", "call_id": [SECRET]}),
        ("responses", {"type": "web_search_call", "id": "w", "action": SECRET}),
        ("ui_messages", {"role": "user", "id": "u", "parts": []}),
        ("ui_messages", {"role": "user", "parts": [{"type": "text", "text": SECRET}]}),
        ("ui_messages", {"role": "user", "id": "u", "parts": [{"type": "text", "text": SECRET}]}),
        ("ui_messages", {"role": "tool", "id": "u", "parts": [{"type": "text", "text": SECRET}]}),
        ("ui_messages", {"role": "assistant", "id": "u", "parts": [{"type": "tool-f"}]}),
        ("agui", {"role": "user", "content": SECRET}),
        ("agui", {"role": "user", "id": "u", "content": SECRET}),
        ("agui", {"role": "human", "id": "u", "content": SECRET}),
        ("agui", {"role": "user", "id": "u", "content": "x", "metadata": [SECRET]}),
        ("agui", {"role": "assistant", "id": "u", "toolCalls": [SECRET]}),
    ],
)
def test_invalid_items_are_refused_without_their_content(name: str, item: Any) -> None:
    _, read, _ = FORMATS[name]
    with pytest.raises(InvalidMessageError) as caught:
        read(_request(name, [item]))
    assert "secret" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
