"""Windows of random conversations: interleaved turns, ids that are repeated, missing, shuffled."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numbered_messages import words

from chatstore.core import ChatMemoryBuffer, ChatMessage, SimpleChatStore, to_openai
from chatstore.core.pairing import pair_calls
from chatstore.core.testing.provider_rules import chat_completions_violations, provider_violations
from chatstore.core.testing.window_rules import window_violations
from chatstore.core.tool_calls import call_references, result_references

IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR" * 5000},
}
IDS = ["unique", "shared", "missing", "name", "numbers"]


class Writer:
    """Writes turns, each a list of steps; a step is a message."""

    def __init__(self, seed: int) -> None:
        """Begin a conversation."""
        self._random = random.Random(seed)
        self._count = 0

    def conversation(self) -> list[ChatMessage]:
        """Return turns, some of which are interleaved."""
        messages = [self._message("system") for _ in range(self._random.choice([0, 0, 1, 2]))]
        for _ in range(self._random.randrange(1, 6)):
            turns = [self._turn() for _ in range(self._random.choice([1, 1, 1, 2, 3]))]
            while any(turns):
                turn = self._random.choice([turn for turn in turns if turn])
                messages.append(turn.pop(0))
        return messages

    def _turn(self) -> list[ChatMessage]:
        steps = [self._message("user")]
        # Interleaved exchanges can only be told apart by ids that are unique.
        for _ in range(self._random.choice([0, 1, 1, 2])):
            steps += self._exchange(self._random.choice(IDS))
        if self._random.random() < 0.8:
            steps.append(self._message("assistant"))
        return steps

    def _exchange(self, ids: str) -> list[ChatMessage]:
        number = self._random.choice([1, 1, 2, 3])
        tools = [self._random.choice("fgh") if ids != "shared" else "f" for _ in range(number)]
        pairs = [self._ids(ids, tool, place) for place, tool in enumerate(tools)]
        if self._random.random() < 0.5:
            kwargs = {
                "tool_calls": [
                    {"id": call, "type": "function", "function": {"name": tool, "arguments": "{}"}}
                    for (call, _), tool in zip(pairs, tools, strict=True)
                ]
            }
            made = self._message("assistant", additional_kwargs=kwargs)
        else:
            blocks = [
                {"type": "tool_use", "id": call, "name": tool, "input": {}}
                for (call, _), tool in zip(pairs, tools, strict=True)
            ]
            made = self._message("assistant", content=blocks)
        results = [(result, tool) for (_, result), tool in zip(pairs, tools, strict=True)]
        if ids in {"unique", "name"}:
            self._random.shuffle(results)
        if self._random.random() < 0.1:
            results.pop()  # a killed tool
        return [made, *self._results(results)]

    def _results(self, results: list[tuple[str, str]]) -> list[ChatMessage]:
        messages: list[ChatMessage] = []
        if results and self._random.random() < 0.4:
            blocks: list[Any] = [
                {
                    "type": "tool_result",
                    "tool_use_id": identity,
                    "name": tool,
                    "content": self._random.choice([self._words(), [IMAGE]]),
                }
                for identity, tool in results
            ]
            if self._random.random() < 0.3:
                blocks.append({"type": "text", "text": self._words()})
            return [self._message("user", content=blocks)]
        for identity, tool in results:
            if self._random.random() < 0.2:
                messages.append(self._message("user"))
            kwargs = {"tool_call_id": identity, "name": tool}
            messages.append(self._message("tool", additional_kwargs=kwargs))
        return messages

    def _ids(self, ids: str, tool: str, place: int) -> tuple[str, str]:
        unique = f"call_{self._count}_{place}"
        return {
            "unique": (unique, unique),
            "shared": ("w", "w"),
            "missing": ("", ""),
            "name": ("", tool),
            "numbers": (str(place), str(place)),
        }[ids]

    def _words(self) -> str:
        return "word " * self._random.choice([1, 3, 10, 60])

    def _message(self, role: str, **fields: Any) -> ChatMessage:
        self._count += 1
        fields.setdefault("content", self._words())
        return ChatMessage.model_validate({"role": role, "id": str(self._count), **fields})


def window_of(messages: list[ChatMessage], limit: int) -> tuple[list[ChatMessage], Any]:
    """Return a window, and the function that counts the tokens of a message."""
    store = SimpleChatStore()
    store.add_messages("k", messages)
    buffer = ChatMemoryBuffer(limit, store, "k", tokenizer_fn=words)
    return buffer.get(), buffer.count


@given(st.integers(0, 2**32), st.sampled_from([1, 20, 50, 100, 200, 400, 1000, 3000, 10**9]))
@pytest.mark.filterwarnings("ignore::chatstore.core.memory.TokenLimitWarning")
def test_every_window_is_one_that_providers_take(seed: int, limit: int) -> None:
    messages = Writer(seed).conversation()

    window, count = window_of(messages, limit)

    assert window_violations(messages, window, limit, count) == []
    assert chat_completions_violations(to_openai(window)) == []


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
