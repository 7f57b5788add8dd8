"""Windows of random conversations: interleaved turns, ids that are repeated, missing, shuffled."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numbered_messages import words
from provider_requests import to_anthropic, to_gemini, to_responses
from random_conversations import Writer

from chatstore.core import ChatMemoryBuffer, ChatMessage, SimpleChatStore, to_openai
from chatstore.core.memory.starts import LEAST_FILL
from chatstore.core.memory.window import Cut
from chatstore.core.pairing import pair_calls
from chatstore.core.testing.provider_rules import chat_completions_violations, provider_violations
from chatstore.core.testing.request_rules import (
    anthropic_violations,
    gemini_violations,
    responses_violations,
)
from chatstore.core.testing.window_rules import window_violations
from chatstore.core.tool_calls import call_references, result_references

EXAMPLES = int(os.environ.get("CHATSTORE_WINDOWS", "300"))
LIMITS = st.sampled_from([1, 20, 50, 100, 200, 400, 1000, 3000, 10**9]) | st.integers(1, 3000)
CUTS: st.SearchStrategy[Cut] = st.sampled_from(["steps", "sliding"])


def window_of(
    messages: list[ChatMessage], limit: int, cut: Cut = "steps"
) -> tuple[list[ChatMessage], Any]:
    """Return a window, and the function that counts the tokens of a message."""
    store = SimpleChatStore()
    store.add_messages("k", messages)
    buffer = ChatMemoryBuffer(limit, store, "k", tokenizer_fn=words, cut=cut)
    return buffer.get(), buffer.count


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32), LIMITS, CUTS)
@pytest.mark.filterwarnings("ignore::chatstore.core.memory.TokenLimitWarning")
def test_every_window_is_one_that_providers_take(seed: int, limit: int, cut: Cut) -> None:
    messages = Writer(seed).conversation()

    window, count = window_of(messages, limit, cut)

    assert window_violations(messages, window, limit, count) == []
    assert chat_completions_violations(to_openai(window)) == []
    assert responses_violations(to_responses(window)) == []
    assert anthropic_violations(to_anthropic(window)) == []
    assert gemini_violations(to_gemini(window)) == []


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32), st.integers(1, 3000))
@pytest.mark.filterwarnings("ignore::chatstore.core.memory.TokenLimitWarning")
def test_a_window_is_well_filled_where_more_would_fit(seed: int, limit: int) -> None:
    messages = Writer(seed).conversation()

    steady, count = window_of(messages, limit)
    fullest, _ = window_of(messages, limit, "sliding")

    tokens, most = (sum(map(count, window)) for window in (steady, fullest))
    assert tokens <= most
    assert tokens == most or tokens >= LEAST_FILL * limit


@given(st.integers(0, 2**32))
def test_all_that_can_be_sent_is_sent(seed: int) -> None:
    messages = Writer(seed).conversation()
    pairs = pair_calls(messages)

    window, _ = window_of(messages, 10**9)

    sent = {message.id for message in window}
    for place, message in enumerate(messages):
        answers = [pair for pair in pairs if pair.call_message == place]
        results = {messages[pair.result_message].id for pair in answers}
        if len(answers) == len(call_references(message)):
            assert results <= sent, f"results of message {place} of {len(messages)} are not sent"
            if not result_references(message):
                assert message.id in sent, f"message {place} of {len(messages)} is not sent"
        else:
            assert message.id not in sent or messages[-1].id in {message.id, *results}


@given(st.integers(0, 2**32))
def test_what_a_window_holds_pairs_as_in_the_conversation(seed: int) -> None:
    messages = Writer(seed).conversation()

    window, _ = window_of(messages, 10**9)

    def contents(pairs: Any, of: list[ChatMessage]) -> set[tuple[str | None, str | None]]:
        return {(of[pair.call_message].id, of[pair.result_message].id) for pair in pairs}

    assert contents(pair_calls(window), window) <= contents(pair_calls(messages), messages)
    assert provider_violations(window) == []
