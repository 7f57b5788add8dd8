"""A window keeps its start for many turns, and cuts turns that are too long."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numbered_messages import words

from chatstore.core import ChatMemoryBuffer, ChatMessage, SimpleChatStore, TokenLimitWarning, codec
from chatstore.core.backend.records import StoredRecord
from chatstore.core.memory.starts import LEAST_FILL, Start, choose_steady, rank
from chatstore.core.memory.window import Cut

Call = Callable[..., Any]
KEY = "k"


def message(number: int, role: Any, size: int, **kwargs: Any) -> ChatMessage:
    """Return a message of about ``size`` words."""
    return ChatMessage(role=role, content="word " * size, id=f"m{number}", additional_kwargs=kwargs)


def exchange(number: int, size: int) -> list[ChatMessage]:
    """Return a call and its result, whose ids begin with two numbers."""
    calls = [{"id": f"c{number}", "type": "function", "function": {"name": "f"}}]
    return [
        message(number, "assistant", 0, tool_calls=calls),
        message(number + 1, "tool", size, tool_call_id=f"c{number}"),
    ]


def conversation(turns: int) -> list[ChatMessage]:
    """Return turns of random sizes, many of them with calls."""
    chance = random.Random(turns)
    messages = [message(0, "system", 30)]
    for _ in range(turns):
        messages.append(message(len(messages), "user", chance.randint(5, 40)))
        for _ in range(chance.choice([0, 0, 1, 2, 3])):
            messages += exchange(len(messages), chance.randint(20, 60))
        messages.append(message(len(messages), "assistant", chance.randint(10, 60)))
    return messages


def window(
    messages: Sequence[ChatMessage], limit: int, cut: Cut = "steps", store: Any = None
) -> list[str | None]:
    """Return the ids of a window that a new process would read."""
    if store is None:
        store = SimpleChatStore()
        store.set_messages(KEY, messages)
    buffer = ChatMemoryBuffer(limit, store, KEY, tokenizer_fn=words, cut=cut)
    return [message.id for message in buffer.get()]


def windows_of_requests(messages: Sequence[ChatMessage], limit: int, cut: Cut) -> Iterator[Any]:
    """Yield the window of each request of a conversation: before each answer and each call."""
    store = SimpleChatStore()
    for message in messages:
        if message.role == "assistant":
            yield window([], limit, cut, store)
        store.add_message(KEY, message)


def count_moves(windows: Sequence[Any]) -> int:
    """Return how often the message behind the system prompt changes."""
    return sum(before[1:2] != after[1:2] for before, after in pairwise(windows))


@pytest.mark.parametrize(("limit", "most"), [(1000, 1 / 3), (3000, 1 / 10)])
def test_the_start_moves_rarely(limit: int, most: float) -> None:
    messages = conversation(120)

    steady = [*windows_of_requests(messages, limit, "steps")]
    sliding = [*windows_of_requests(messages, limit, "sliding")]

    assert count_moves(steady) < most * len(steady)
    assert 3 * count_moves(steady) < 2 * count_moves(sliding)


def test_deleting_older_messages_does_not_move_the_start() -> None:
    messages = conversation(60)
    store = SimpleChatStore()
    store.set_messages(KEY, messages)
    before = window([], 1000, store=store)
    start = next(number for number, message in enumerate(messages) if message.id == before[1])

    for _ in range(start // 2):
        store.delete_message(KEY, 1)

    assert window([], 1000, store=store) == before


@pytest.mark.parametrize("limit", [300, 1000, 5000])
def test_what_was_read_before_does_not_matter(limit: int) -> None:
    messages = conversation(60)
    store = SimpleChatStore()
    buffer = ChatMemoryBuffer(limit, store, KEY, tokenizer_fn=words)
    for message in messages:
        store.add_message(KEY, message)
        if message.role == "user":
            assert [message.id for message in buffer.get()] == window([], limit, store=store)


def test_everything_is_sent_while_it_fits() -> None:
    messages = conversation(10)

    assert window(messages, 10**9) == [message.id for message in messages]


@pytest.mark.parametrize("cut", ["steps", "sliding"])
@pytest.mark.parametrize("limit", [200, 500, 1500])
def test_a_long_turn_keeps_its_question_and_its_newest_exchanges(cut: Cut, limit: int) -> None:
    messages = [message(0, "system", 10), message(1, "user", 20)]
    for _ in range(50):
        messages += exchange(len(messages), 40)
    buffer = ChatMemoryBuffer(limit, SimpleChatStore(), KEY, tokenizer_fn=words, cut=cut)
    buffer.put_messages(messages)

    got = buffer.get()

    assert [m.id for m in got] == [m.id for m in [*messages[:2], *messages[2 - len(got) :]]]
    assert got[2].role == "assistant"
    assert LEAST_FILL * limit <= sum(map(buffer.count, got)) <= limit


def test_the_start_among_exchanges_moves_rarely() -> None:
    messages = [message(0, "user", 20)]
    for _ in range(200):
        messages += exchange(len(messages), 40)

    steady = [*windows_of_requests(messages, 1500, "steps")]
    sliding = [*windows_of_requests(messages, 1500, "sliding")]

    assert count_moves(steady) < 200 / 6
    assert count_moves(sliding) > 150


def test_an_older_turn_that_is_too_long_is_cut() -> None:
    long = [message(0, "user", 20)]
    for _ in range(50):
        long += exchange(len(long), 40)
    newest = message(len(long), "user", 20)

    got = window([*long, newest], 500)

    assert got[0] == "m0"
    assert got[-1] == newest.id
    assert len(got) > 5


def test_an_exchange_that_does_not_fit_comes_back_whole(call: Call) -> None:
    messages = [message(0, "system", 1), message(1, "user", 1)]
    for _ in range(3):
        messages += exchange(len(messages), 400)
    buffer = ChatMemoryBuffer(300, SimpleChatStore(), KEY, tokenizer_fn=words)
    buffer.put_messages(messages)

    with pytest.warns(TokenLimitWarning, match="newest exchange exceeds"):
        got = call(buffer, "get")
    assert [m.id for m in got] == ["m0", "m1", "m6", "m7"]


def test_each_message_is_decoded_and_counted_once(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = conversation(100)
    store = SimpleChatStore()
    store.set_messages(KEY, messages)
    counted: Counter[str | None] = Counter()
    decoded: Counter[int] = Counter()
    decode_all = codec.decode_all

    def count_decodes(key: str, records: Sequence[StoredRecord]) -> list[ChatMessage]:
        decoded.update(record.position for record in records)
        return decode_all(key, records)

    def note(message: ChatMessage) -> None:
        counted[message.id] += 1

    monkeypatch.setattr(codec, "decode_all", count_decodes)
    buffer = ChatMemoryBuffer(1000, store, KEY, tokenizer_fn=words, payload_fn=note)
    got = call(buffer, "get")

    assert set(decoded.values()) == set(counted.values()) == {1}
    assert {message.id for message in got} <= counted.keys()
    # What does not fit must be read, and records are decoded in batches.
    assert len(decoded) <= 2 * len(got) + 16


@given(st.integers(0, 10**6), st.integers(1, 10**4))
def test_a_rank_is_that_of_the_largest_power_of_two(previous: int, distance: int) -> None:
    position = previous + distance
    powers = [2**power for power in range(40)]
    highest = max(power for power in powers if position // power > previous // power)

    assert 2 ** (rank(previous, position) - 1) == highest


def test_a_position_that_is_not_higher_has_the_lowest_rank() -> None:
    assert rank(5, 5) == rank(6, 5) == 0


def test_the_highest_rank_that_fills_the_window_is_chosen() -> None:
    starts = [Start(10, 9), Start(60, 2), Start(70, 4), Start(80, 4), Start(90, 1)]

    assert choose_steady(starts, 60) == 3
    assert choose_steady(starts, 85) == 4
    assert choose_steady(starts, 5) == 0
    assert choose_steady(starts, 95) is None


@pytest.mark.parametrize("cut", ["", "step", None, True, ["steps"]])
def test_how_to_cut_is_checked(cut: Any) -> None:
    with pytest.raises(ValueError, match="cut must be 'steps' or 'sliding'"):
        ChatMemoryBuffer(cut=cut)
