"""A model for Strands that answers with a function, and agents that use it."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from typing import Any

from strands.models import Model
from strands.types.content import Messages

Answer = Callable[[Messages], list[Any]]


class FunctionModel(Model):
    """Answers with the content that a function returns for the messages.

    Attributes:
        received: What the model received, a list of messages for each call.

    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.received: list[Any] = []

    def update_config(self, **_: Any) -> None: ...

    def get_config(self) -> Any:
        return {}

    def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[Any, None]:
        raise NotImplementedError

    async def stream(self, messages: Messages, *_: Any, **__: Any) -> AsyncIterable[Any]:
        self.received.append(copy.deepcopy(messages))
        yield {"messageStart": {"role": "assistant"}}
        content = self.answer(messages)
        for part in content:
            for event in _events(part):
                yield event
        reason = "tool_use" if any("toolUse" in part for part in content) else "end_turn"
        yield {"messageStop": {"stopReason": reason}}


def _events(part: Any) -> Iterator[Any]:
    start, deltas = {}, []
    if "toolUse" in part:
        call = part["toolUse"]
        start = {"toolUse": {"name": call["name"], "toolUseId": call["toolUseId"]}}
        deltas = [{"toolUse": {"input": json.dumps(call["input"])}}]
    elif "reasoningContent" in part:
        reasoning = part["reasoningContent"]["reasoningText"]
        deltas = [{"reasoningContent": {name: text}} for name, text in reasoning.items()]
    else:
        deltas = [part]
    yield {"contentBlockStart": {"start": start}}
    for delta in deltas:
        yield {"contentBlockDelta": {"delta": delta}}
    yield {"contentBlockStop": {}}


def call(name: str, call_id: str, **arguments: Any) -> Any:
    """Return a tool call."""
    return {"toolUse": {"name": name, "toolUseId": call_id, "input": arguments}}


def result(call_id: str, text: str, status: str = "success") -> Any:
    """Return a tool's result."""
    return {"toolResult": {"toolUseId": call_id, "status": status, "content": [{"text": text}]}}
