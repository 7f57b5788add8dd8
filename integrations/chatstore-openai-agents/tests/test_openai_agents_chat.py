"""Windows of the SDK's conversations are accepted by chat completions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from responses_conversations import CALLS, TURNS, assistant, conversation, stored_window, user

from chatstore.core.converters.openai import to_openai
from chatstore.openai_agents import to_items, to_messages

pytestmark = pytest.mark.filterwarnings("ignore::chatstore.core.TokenLimitWarning")


def check_chat(messages: Any) -> None:
    """Chat completions refuse empty assistant messages, and results apart from their calls."""
    unanswered: list[Any] = []
    for message in messages:
        if message["role"] == "tool":
            unanswered.remove(message["tool_call_id"])
            continue
        assert not unanswered
        if message["role"] == "assistant":
            assert message.get("content") or message.get("tool_calls")
            parts = message["content"] if isinstance(message.get("content"), list) else []
            assert {part["type"] for part in parts} <= {"text", "refusal"}
            unanswered = [call["id"] for call in message.get("tool_calls", [])]
    assert not unanswered


@given(TURNS, st.integers(20, 300))
def test_a_window_is_valid_for_chat_completions(turns: Any, limit: int) -> None:
    check_chat(to_openai(stored_window(conversation(turns), limit)))


@pytest.mark.parametrize("kind", [kind for kind in CALLS if kind != "function"])
def test_other_frameworks_read_calls_of_every_kind(kind: str) -> None:
    call, output = CALLS[kind]("a")
    messages: Any = to_messages([user("q"), call, output, assistant("done")])

    assert to_items(messages) == [user("q"), call, output, assistant("done")]
    chat = to_openai(messages)
    check_chat(chat)
    screenshot = ["user"] if kind == "computer" else []  # a tool message contains only text
    roles = ["user", "assistant", "tool", *screenshot, "assistant"]
    assert [message["role"] for message in chat] == roles
    assert chat[-2]["content"]
