"""A window over a list has the rules of the buffer, and returns indexes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatstore.core import ChatMessage, InvalidArgumentError, TokenLimitWarning
from chatstore.core.memory.list_window import ListWindow

CALL = {"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}
OUTLINES = [
    ChatMessage(role="system", id="same"),
    ChatMessage(role="user", id="same"),
    ChatMessage(role="assistant", additional_kwargs={"tool_calls": [CALL]}),
    ChatMessage(role="tool", additional_kwargs={"tool_call_id": "c"}),
    ChatMessage(role="assistant"),
    ChatMessage(role="user"),
]


def select(limit: int, overhead: Any = None) -> list[int]:
    window = ListWindow(limit, tokenizer_fn=str.split)
    return asyncio.run(window.select(OUTLINES, lambda index: "w " * 50, overhead=overhead))


def test_everything_is_selected_if_it_fits() -> None:
    assert select(1000) == [0, 1, 2, 3, 4, 5]


def test_whole_turns_and_leading_system_messages_are_selected() -> None:
    assert select(200) == [0, 5]


def test_what_is_sent_in_addition_reduces_the_window() -> None:
    assert select(600) == [0, 1, 2, 3, 4, 5]
    assert select(600, overhead="w " * 300) == select(300) == [0, 1, 4, 5]


def test_the_newest_turn_is_selected_even_if_it_does_not_fit() -> None:
    with pytest.warns(TokenLimitWarning):
        assert select(10) == [0, 5]


def test_an_empty_list_has_an_empty_window() -> None:
    window = ListWindow(10, tokenizer_fn=str.split)
    assert asyncio.run(window.select([], lambda index: None)) == []


@pytest.mark.parametrize("limit", [0, -1, 1.5, "3000"])
def test_the_limit_is_checked(limit: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="token_limit"):
        ListWindow(limit)
