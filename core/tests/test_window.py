"""The choice of a window, over generated conversations."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.core.memory.starts import LEAST_FILL
from chatstore.core.memory.window import PINNED_ROLES, Cut, Window
from chatstore.core.messages import ChatMessage
from chatstore.core.testing.provider_rules import provider_violations
from chatstore.core.testing.window_rules import window_violations


def message_with(role: Any, *, calls: str = "", answers: str = "", text: str = "x") -> ChatMessage:
    """Return a message; each letter of ``calls`` and ``answers`` is the id of a call.

    ``_`` is a call or result without an id, ``f`` a call without an id, or a result that has the
    tool's name for an id; ``*`` is text between results.
    """
    if answers and role == "user":
        blocks = [
            {"type": "text", "text": "x"}
            if name == "*"
            else {"type": "tool_result", "tool_use_id": name.strip("_")}
            for name in answers
        ]
        return ChatMessage(role=role, content=blocks)
    kwargs: dict[str, object] = {}
    if answers:
        kwargs["tool_call_id"] = answers.strip("_")
    if calls:
        kwargs["tool_calls"] = [
            {"id": name.strip("_f"), "type": "function", "function": {"name": "f"}}
            for name in calls
        ]
    return ChatMessage(role=role, content=text, additional_kwargs=kwargs)


def talk(script: str) -> list[ChatMessage]:
    """Read a script.

    Its words: ``s`` system, ``d`` developer, ``u`` user, ``a`` assistant, ``+ab`` calls, ``-a`` a
    result, ``=ab`` results in one user message, ``=a*`` the same with text behind them.
    """
    messages = []
    for number, word in enumerate(script.split()):
        if word[0] == "+":
            message = message_with("assistant", calls=word[1:])
        elif word[0] == "-":
            message = message_with("tool", answers=word[1:])
        elif word[0] == "=":
            message = message_with("user", answers=word[1:])
        else:
            message = message_with(
                {"s": "system", "u": "user", "a": "assistant", "d": "developer"}[word]
            )
        messages.append(message.model_copy(update={"id": str(number)}))
    return messages


def cost(message: ChatMessage) -> int:
    """Count a number of tokens that differs from message to message."""
    return 1 + int(message.id or 0) % 3


def window_of(
    messages: list[ChatMessage], limit: int, cut: Cut = "steps"
) -> tuple[list[ChatMessage], bool]:
    """Return the window, and whether it fits."""
    leading = 0
    while leading < len(messages) and messages[leading].role in PINNED_ROLES:
        leading += 1
    pinned = sum(map(cost, messages[:leading]))
    least = math.ceil(LEAST_FILL * limit) - pinned
    window = Window(limit - pinned, cost, least=least, cut=cut)
    for position in range(len(messages) - 1, leading - 1, -1):
        if window.enough:
            break
        window.add(messages[position], position)
    else:
        window.finish()
    return [*messages[:leading], *window.messages()], window.fits


def choose(messages: list[ChatMessage], limit: int, cut: Cut = "steps") -> list[int]:
    """Return the indexes of the window's messages."""
    return [int(message.id or 0) for message in window_of(messages, limit, cut)[0]]


WORDS = [
    *["s", "d", "u", "a", "+a", "+b", "+ab", "+aa", "+_", "+f", "+_f", "-a", "-b", "-_", "-f"],
    *["=a", "=ab", "=aa", "=a*", "=ba*", "=f", "u a", "+ab -b -a"],
]
CUTS: st.SearchStrategy[Cut] = st.sampled_from(["steps", "sliding"])
SCRIPTS = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


@given(SCRIPTS, st.integers(1, 40), CUTS)
def test_a_window_keeps_its_promises(script: str, limit: int, cut: Cut) -> None:
    messages = talk(script)

    window, fits = window_of(messages, limit, cut)

    assert window_violations(messages, window, limit, cost) == []
    assert fits == (sum(map(cost, window)) <= limit)


@given(SCRIPTS, st.integers(1, 40))
def test_a_larger_limit_never_gives_less(script: str, limit: int) -> None:
    messages = talk(script)

    less, more = (set(choose(messages, room, "sliding")) for room in (limit, limit + 1))
    assert less <= more


@given(SCRIPTS, CUTS)
def test_all_that_a_provider_accepts_is_kept_where_it_fits(script: str, cut: Cut) -> None:
    messages = talk(f"u {script} u")

    if provider_violations(messages) == []:
        assert choose(messages, 10**30, cut) == list(range(len(messages)))


@pytest.mark.parametrize(
    ("script", "limit", "expected"),
    [
        ("", 9, []),
        ("s d", 1, [0, 1]),
        ("u a u a", 99, [0, 1, 2, 3]),
        ("u a u a", 4, [2, 3]),
        ("s u a u a", 6, [0, 3, 4]),
        ("a u a", 99, [1, 2]),
        ("a a a", 5, [1, 2]),
        ("u +ab -b -a a u", 99, [0, 1, 2, 3, 4, 5]),
        ("u +a =a a u", 99, [0, 1, 2, 3, 4]),
        ("u +ab -a u", 99, [0, 3]),
        ("u +a u -a a u", 99, [0, 1, 3, 2, 4, 5]),
        ("u +ab -a", 99, [0, 1, 2]),
        ("u +a", 99, [0, 1]),
        ("u a +a u -a", 1, [0, 2, 4, 3]),
        ("u +a +b -b -a", 99, [0, 2, 3, 1, 4]),
        ("u a -z", 99, [0, 1]),
        ("u +a -a u a -a", 4, [3, 4]),
        # Calls of an earlier turn, one of whose results is in the newest message: not all.
        ("u +aaa u -a +aa -a =aa", 99, [0, 2, 4, 5, 6]),
    ],
)
def test_what_is_chosen(script: str, limit: int, expected: list[int]) -> None:
    assert choose(talk(script), limit, "sliding") == expected


def test_it_stops_when_it_has_enough() -> None:
    window = Window(3, cost)
    for message in talk("u a u a"):
        assert not window.enough  # the last one might be a summary
        window.add(message, 0)

    assert window.enough
    assert len(window.messages()) == 1
