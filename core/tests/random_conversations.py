"""Random conversations: long and interleaved turns, ids that are repeated, missing or shuffled."""

from __future__ import annotations

import random
from typing import Any

from chatstore.core import ChatMessage

IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR" * 5000},
}
DOCUMENT = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "word " * 30},
}
IDS = ["unique", "shared", "missing", "name", "numbers"]


class Writer:
    """Writes turns, each a list of steps; a step is a message."""

    def __init__(self, seed: int) -> None:
        """Begin a conversation."""
        self._random = random.Random(seed)
        self._count = 0

    def conversation(self) -> list[ChatMessage]:
        """Return turns, some of which are long, and some of which are interleaved."""
        messages = [self._message("system") for _ in range(self._random.choice([0, 0, 1, 2]))]
        for _ in range(self._random.randrange(1, 6)):
            if self._random.random() < 0.1:
                messages.append(self._message("system"))  # a summary, or an instruction
            turns = [self._turn() for _ in range(self._random.choice([1, 1, 1, 2, 3]))]
            while any(turns):
                turn = self._random.choice([turn for turn in turns if turn])
                messages.append(turn.pop(0))
        return messages

    def _turn(self) -> list[ChatMessage]:
        steps = [self._message("user")]
        # Interleaved exchanges can only be told apart by ids that are unique.
        for _ in range(self._random.choice([0, 1, 1, 2, 2, 12])):
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
                    "content": self._random.choice([self._words(), [IMAGE], [DOCUMENT]]),
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
