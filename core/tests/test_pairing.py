"""Results are paired with calls, even if ids are missing or repeated."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.core import ChatMessage
from chatstore.core.pairing import pair_calls, unique_call_ids


def calls(*named: tuple[str | None, str]) -> ChatMessage:
    """Make a message with calls, each an id and a tool's name."""
    made: list[dict[str, Any]] = []
    for identity, name in named:
        call: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": "{}"}}
        made.append(call if identity is None else {**call, "id": identity})
    return ChatMessage(role="assistant", additional_kwargs={"tool_calls": made})


def result(identity: str | None, name: str | None = None) -> ChatMessage:
    """Make a message with a result."""
    kwargs = {"tool_call_id": identity, "name": name}
    return ChatMessage(
        role="tool",
        content="sun",
        additional_kwargs={key: value for key, value in kwargs.items() if value is not None},
    )


USER = ChatMessage(role="user", content="wait")


@pytest.mark.parametrize(
    ("messages", "pairs"),
    [
        ([calls(("a", "f")), result("a")], [(0, 0, 1)]),
        ([calls(("a", "f")), result("b")], []),
        # Shuffled, with words between.
        (
            [calls(("a", "f"), ("b", "f")), USER, result("b"), USER, result("a")],
            [(0, 0, 4), (0, 1, 2)],
        ),
        # One id for all: the order decides.
        ([calls(("w", "w"), ("w", "w")), result("w"), result("w")], [(0, 0, 1), (0, 1, 2)]),
        ([calls(("w", "w"), ("w", "w")), result("w")], [(0, 0, 1)]),
        ([calls(("w", "w")), result("w"), result("w")], [(0, 0, 1)]),
        # One id for two tools: the name decides.
        (
            [calls(("0", "f"), ("0", "g")), result("0", "g"), result("0", "f")],
            [(0, 0, 2), (0, 1, 1)],
        ),
        # The same ids again in the next turn.
        (
            [calls(("w", "w")), result("w"), USER, calls(("w", "w")), result("w")],
            [(0, 0, 1), (3, 0, 4)],
        ),
        ([calls(("w", "w")), USER, calls(("w", "w")), result("w")], [(2, 0, 3)]),
        # No ids: the tool's name, in either place, or the order.
        ([calls(("", "f")), result("f")], [(0, 0, 1)]),
        ([calls((None, "f")), result(None, "f")], [(0, 0, 1)]),
        ([calls((None, "f"), (None, "g")), result(None), result("")], [(0, 0, 1), (0, 1, 2)]),
        (
            [calls((None, "f"), (None, "g")), result(None, "g"), result(None, "f")],
            [(0, 0, 2), (0, 1, 1)],
        ),
        ([calls((None, "f")), result(None, "g")], []),
        ([calls(("a", "f")), result(None, "f")], [(0, 0, 1)]),
        ([calls(("a", "f")), result(None)], [(0, 0, 1)]),
        ([calls(("a", "f")), result(None, "g")], []),
        # An id that fits goes before order.
        ([calls(("a", "f"), ("b", "f")), result(None), result("a")], [(0, 0, 2), (0, 1, 1)]),
        # OpenAI's older form.
        (
            [
                ChatMessage(role="assistant", additional_kwargs={"function_call": {"name": "f"}}),
                ChatMessage(role="function", content="x", additional_kwargs={"name": "f"}),
            ],
            [(0, 0, 1)],
        ),
        # A result before its call does not count.
        ([result("a"), calls(("a", "f"))], []),
    ],
)
def test_pairs(messages: list[ChatMessage], pairs: list[tuple[int, int, int]]) -> None:
    assert pair_calls(messages) == [(*pair, 0) for pair in pairs]


def test_results_in_one_message() -> None:
    blocks = [{"type": "tool_result", "tool_use_id": "a", "content": word} for word in "xy"]

    pairs = pair_calls([calls(("a", "f"), ("a", "f")), ChatMessage(role="user", content=blocks)])

    assert pairs == [(0, 0, 1, 0), (0, 1, 1, 1)]


def unique_ids(*ids: str | None, unchanged: tuple[int, ...] = ()) -> list[str]:
    """Return the ids that calls get, made in one message each."""
    messages = [
        ChatMessage(
            role="assistant",
            id=f"m{place}",
            additional_kwargs={"tool_calls": [{"id": identity, "function": {"name": "t"}}]},
        )
        for place, identity in enumerate(ids)
    ]
    return list(unique_call_ids(messages, unchanged=unchanged).calls.values())


def test_ids_of_calls_are_kept_where_they_can_be() -> None:
    assert unique_ids("a", "b", "a", "", None) == ["a", "b", "a-m2-0", "t-m3-0", "t-m4-0"]


def test_an_unchanged_message_keeps_its_id_before_others() -> None:
    assert unique_ids("a", "a", unchanged=(0,)) == ["a", "a-m1-0"]
    assert unique_ids("a", "a", "a", unchanged=(1,)) == ["a-m0-0", "a", "a-m2-0"]


def test_a_call_that_an_unchanged_result_answers_keeps_its_id() -> None:
    calls = [{"id": "a", "function": {"name": "t"}}]
    messages = [
        ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}, id="m"),
        ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}, id="n"),
        ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "a"}),
    ]
    answered = unique_call_ids(messages, unchanged=(2,)).results[2, 0]
    assert answered == "a"
    assert len(set(unique_call_ids(messages, unchanged=(2,)).calls.values())) == 2


def test_an_id_that_is_made_up_is_nobody_elses() -> None:
    assert len(set(unique_ids("a", "a", "a-m1-0", "a-m1-0-", "a-m3-0"))) == 5


def test_results_get_the_ids_of_their_calls() -> None:
    calls = [{"id": "", "function": {"name": name}} for name in ("t", "t")]
    messages = [
        ChatMessage(role="assistant", id="m", additional_kwargs={"tool_calls": calls}),
        ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "t"}),
        ChatMessage(role="tool", content="2", additional_kwargs={"tool_call_id": "t"}),
        ChatMessage(role="tool", content="3", additional_kwargs={"tool_call_id": "t"}),
    ]
    assert unique_call_ids(messages).results == {(1, 0): "t-m-0", (2, 0): "t-m-1"}
