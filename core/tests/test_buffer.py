"""What the memory buffer returns."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numbered_messages import numbered, turns, words

from chatstore.core import InvalidArgumentError, SimpleChatStore
from chatstore.core.errors import InvalidKeyError
from chatstore.core.memory import ChatMemoryBuffer, TokenLimitWarning
from chatstore.core.testing.window_rules import window_violations

KEY = "chat_history"
Call = Callable[..., Any]


def test_put_get_set_reset(call: Call) -> None:
    buffer = ChatMemoryBuffer(tokenizer_fn=words)
    question, answer, *more = turns(2)

    call(buffer, "put", question)
    call(buffer, "put_messages", [answer, *more])
    assert call(buffer, "get") == call(buffer, "get_all") == turns(2)
    call(buffer, "set", [question])
    assert call(buffer, "get") == [question]
    call(buffer, "reset")
    assert call(buffer, "get") == call(buffer, "get_all") == []


ROLES = st.sampled_from(["system", "user", "assistant", "call", "both", "tool a", "tool b"])


@given(st.lists(ROLES, max_size=40), st.integers(1, 200))
@example(["assistant", "system", "system"], 1)  # the first message has no content
def test_a_window_keeps_its_promises(roles: list[str], limit: int) -> None:
    messages = []
    for number, role in enumerate(roles):
        kwargs: dict[str, Any] = {}
        if role in {"call", "both"}:
            kwargs["tool_calls"] = [{"id": name} for name in ("a" if role == "call" else "ab")]
            role = "assistant"  # noqa: PLW2901 - the kind of message is now known
        elif role.startswith("tool"):
            role, kwargs["tool_call_id"] = role.split()  # noqa: PLW2901 - as above
        message = numbered(role, number, **kwargs)
        message.content = "word " * (number * 7 % 40)  # a small turn may follow a large one
        messages.append(message)
    store = SimpleChatStore()
    store.add_messages(KEY, messages)
    buffer = ChatMemoryBuffer(limit, store, tokenizer_fn=words)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TokenLimitWarning)
        window = buffer.get()
        again = asyncio.run(buffer.async_get())

    assert window_violations(messages, window, limit, buffer.count) == []
    assert again == window


def test_the_initial_count_takes_room(call: Call) -> None:
    buffer = ChatMemoryBuffer(60, tokenizer_fn=words)
    buffer.put_messages(turns(50))
    plain = call(buffer, "get")

    assert 0 < len(call(buffer, "get", initial_token_count=30)) < len(plain) < 100


@pytest.mark.parametrize("initial", [0, 1])
def test_a_turn_above_the_limit_comes_back_whole(call: Call, initial: int) -> None:
    buffer = ChatMemoryBuffer(1, tokenizer_fn=words)
    system = numbered("system", 99)
    buffer.put_messages([system, *turns(2)])

    with pytest.warns(TokenLimitWarning):
        window = call(buffer, "get", initial_token_count=initial)
    assert window == [system, *turns(2)[2:]]


def test_a_small_turn_does_not_follow_one_that_did_not_fit(call: Call) -> None:
    buffer = ChatMemoryBuffer(60, tokenizer_fn=words)
    first, _, third, _, *rest = turns(4)
    third.content = "word " * 100
    buffer.put_messages([first, third, *rest])

    assert call(buffer, "get") == rest


def test_what_is_sent_overhead_takes_room(call: Call) -> None:
    buffer = ChatMemoryBuffer(60, tokenizer_fn=words)
    buffer.put_messages(turns(50))
    schema = {"name": "f", "description": "a long description of what the tool does"}

    plain = call(buffer, "get")
    # name, f, description and eight words
    assert call(buffer, "get", overhead=[schema, "x"]) == call(buffer, "get", None, 12)
    assert call(buffer, "get", overhead="x " * 40) == plain[-2:]
    with pytest.warns(TokenLimitWarning):
        assert call(buffer, "get", overhead="x " * 60) == plain[-2:]


def test_a_payload_is_what_is_counted(call: Call) -> None:
    buffer = ChatMemoryBuffer(
        100, tokenizer_fn=words, payload_fn=lambda message: [message.content, "x " * 40]
    )
    buffer.put_messages(turns(50))

    assert call(buffer, "get") == turns(50)[-2:]


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "9", None])
def test_a_limit_must_be_a_positive_integer(limit: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        ChatMemoryBuffer(limit)


@pytest.mark.parametrize("count", [-1, True, 1.5, "9", None, 3001, 10**30])
def test_an_initial_count_must_be_an_integer(call: Call, count: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        call(ChatMemoryBuffer(tokenizer_fn=words), "get", initial_token_count=count)


def test_a_key_and_a_store_are_checked() -> None:
    with pytest.raises(InvalidKeyError):
        ChatMemoryBuffer(chat_store_key="")
    with pytest.raises(InvalidArgumentError):
        ChatMemoryBuffer(chat_store={})  # type: ignore[arg-type]


class SharedStore(SimpleChatStore):
    """Takes the part of a store over a database."""


@pytest.mark.parametrize("make", [ChatMemoryBuffer, ChatMemoryBuffer.from_defaults])
def test_a_shared_store_needs_a_key(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatstore.core.memory.buffer.SimpleChatStore", type("Other", (), {}))

    with pytest.raises(InvalidArgumentError, match="chat_store_key is required with a SharedStore"):
        make(chat_store=SharedStore())
    assert make(chat_store=SharedStore(), chat_store_key="user/42").chat_store_key == "user/42"


def test_in_memory_a_key_may_be_missing() -> None:
    assert ChatMemoryBuffer().chat_store_key == KEY
    assert ChatMemoryBuffer.from_defaults(chat_store=SimpleChatStore()).chat_store_key == KEY
