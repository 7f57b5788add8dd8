"""The checks of windows find violations, and accept correct windows."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core.messages import ChatMessage
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.core.testing.window_rules import window_violations


def talk(script: str) -> list[ChatMessage]:
    """Read a script: ``s`` system, ``u`` user, ``a`` assistant, ``+ab`` calls, ``-a`` a result."""
    messages = []
    for number, word in enumerate(script.split()):
        kwargs: dict[str, object] = {}
        role: Any = {"s": "system", "u": "user", "a": "assistant", "+": "assistant", "-": "tool"}[
            word[0]
        ]
        if word[0] == "+":
            kwargs["tool_calls"] = [{"id": name} for name in word[1:]]
        if word[0] == "-":
            kwargs["tool_call_id"] = word[1:]
        messages.append(
            ChatMessage(role=role, content=word, additional_kwargs=kwargs, id=str(number))
        )
    return messages


@pytest.mark.parametrize(
    "script",
    ["", "s", "u", "s s u a", "a +a -a", "u +a -a a", "u +ab -b -a +c -c a u", "u +a", "u +ab -b"],
)
def test_what_a_provider_takes(script: str) -> None:
    assert provider_violations(talk(script)) == []


@pytest.mark.parametrize(
    "script",
    [
        "-a",
        "u -a",
        "a u",
        "s a u",
        "u +a u",
        "u +a a",
        "u +ab -a u",
        "u +a u -a",
        "u +a +b -b -a",
        "u +a -a -a",
        "u +a -b",
        "u +a -a a -a",
        "u +a s -a",
    ],
)
def test_what_a_provider_refuses(script: str) -> None:
    assert provider_violations(talk(script)) != []


def test_results_in_a_user_message_are_no_question() -> None:
    call = ChatMessage(
        role="assistant", content=[{"type": "tool_use", "id": "a", "name": "f", "input": {}}]
    )
    result = ChatMessage(role="user", content=[{"type": "tool_result", "tool_use_id": "a"}])
    question = ChatMessage(role="user", content="x")

    assert provider_violations([question, call, result]) == []
    assert provider_violations([call, result, question]) != []
    assert provider_violations([question, result]) != []


CONVERSATION = "s u a u +ab -a -b a u a"


@pytest.mark.parametrize(
    ("indexes", "limit"),
    [([0, 8, 9], 3), ([0, 3, 4, 5, 6, 7, 8, 9], 8), (list(range(10)), 10), ([0, 8, 9], 1)],
)
def test_a_good_window(indexes: list[int], limit: int) -> None:
    conversation = talk(CONVERSATION)
    window = [conversation[index] for index in indexes]

    assert window_violations(conversation, window, limit, lambda _: 1) == []


@pytest.mark.parametrize(
    "indexes",
    [
        [],
        [0],
        [8, 9],  # the pinned message is missing
        [0, 8],  # the newest is missing
        [0, 9, 8],
        [0, 8, 8, 9],
        [0, 9],  # no user message
        [0, 7, 8, 9],  # begins with an answer
        [0, 3, 4, 5, 7, 8, 9],  # half of the results
        [0, 3, 5, 6, 7, 8, 9],  # results without their call
        [0, 1, 8, 9],  # a hole
    ],
)
def test_a_bad_window(indexes: list[int]) -> None:
    conversation = talk(CONVERSATION)
    window = [conversation[index] for index in indexes]

    assert window_violations(conversation, window, 99, lambda _: 1) != []


def test_a_window_above_the_limit() -> None:
    conversation = talk(CONVERSATION)

    assert window_violations(conversation, conversation, 9, lambda _: 1) != []


def test_a_window_of_other_messages() -> None:
    conversation = talk(CONVERSATION)
    stranger = ChatMessage(role="user", content="x", id="stranger")
    changed = conversation[-1].model_copy(update={"content": "changed"})

    for last in (stranger, changed):
        window = [conversation[0], conversation[8], last]
        assert window_violations(conversation, window, 99, lambda _: 1) != []
