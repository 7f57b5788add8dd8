"""Conversations to measure: generated ones with tools, and a file of real ones."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from chatstore.core import ChatMessage, from_openai

_SYSTEM = 200  # words
_WORDS = ["the", "order", "was", "sent", "to", "a", "new", "address", "and", "arrives", "today"]


class Kind(NamedTuple):
    """A kind of conversation, with ranges of words.

    Attributes:
        question: The words of a user message.
        result: The words of a tool's result.
        answer: The words of an answer.
        calls: How likely a turn calls tools.
        exchanges: The most exchanges of a turn.

    """

    question: tuple[int, int]
    result: tuple[int, int]
    answer: tuple[int, int]
    calls: float
    exchanges: int


KINDS = {
    "chat with tools": Kind((5, 40), (20, 120), (20, 120), 0.5, 3),
    "agent runs": Kind((5, 40), (20, 120), (20, 120), 0.9, 6),
}


def generate(kind: Kind, turns: int) -> list[ChatMessage]:
    """Return a conversation, the same for the same arguments."""
    chance = random.Random(turns)
    messages = [_message(0, "system", chance, (_SYSTEM, _SYSTEM))]
    for _ in range(turns):
        messages.append(_message(len(messages), "user", chance, kind.question))
        if chance.random() < kind.calls:
            for _ in range(chance.randint(1, kind.exchanges)):
                messages += _exchange(len(messages), chance, kind)
        messages.append(_message(len(messages), "assistant", chance, kind.answer))
    return messages


def read(path: Path) -> list[list[ChatMessage]]:
    """Return the conversations of a JSONL file with ``messages`` in OpenAI's format a line."""
    return [*_read(path)]


def join(conversations: list[list[ChatMessage]]) -> list[ChatMessage]:
    """Return all conversations as one, with the system prompt of the first."""
    messages = [
        message
        for number, conversation in enumerate(conversations)
        for message in conversation
        if number == 0 or message.role != "system"
    ]
    return _numbered(messages)


def _read(path: Path) -> Iterator[list[ChatMessage]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield _numbered([from_openai(message) for message in json.loads(line)["messages"]])


def _numbered(messages: list[ChatMessage]) -> list[ChatMessage]:
    return [
        message.model_copy(update={"id": str(number)}) for number, message in enumerate(messages)
    ]


def _exchange(number: int, chance: random.Random, kind: Kind) -> list[ChatMessage]:
    function = {"name": "look_up", "arguments": json.dumps({"number": number})}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    result = _message(number + 1, "tool", chance, kind.result)
    return [
        ChatMessage(
            role="assistant", content=None, id=str(number), additional_kwargs={"tool_calls": [call]}
        ),
        result.model_copy(update={"additional_kwargs": {"tool_call_id": call["id"]}}),
    ]


def _message(number: int, role: str, chance: random.Random, words: tuple[int, int]) -> ChatMessage:
    text = " ".join(chance.choices(_WORDS, k=chance.randint(*words)))
    return ChatMessage.model_validate({"role": role, "content": text, "id": str(number)})
