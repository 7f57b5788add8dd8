"""An agent that asks a tool about cities, a turn for each: ``guide_pydantic_ai.py URL CITY ...``.

It prints a line of JSON per turn: the answer, and what the model received, twice.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic_ai import Agent, ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from chatstore.core import open_store
from chatstore.pydantic_ai import HistoryWindow, MessageHistory

received: list[list[list[Any]]] = []


def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Act as the model: ask the tool about a city, then repeat its result."""
    parts: list[Any] = [part for message in messages for part in message.parts]
    received.append(
        [[part.part_kind, part.content] for part in parts if part.part_kind != "tool-call"]
    )
    last = parts[-1]
    if last.part_kind == "tool-return":
        return ModelResponse([TextPart(last.content)])
    return ModelResponse([ToolCallPart("weather", {"city": last.content})])


agent = Agent(FunctionModel(answer), instructions="Be brief.", capabilities=[HistoryWindow(3000)])


@agent.tool_plain
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


with open_store(sys.argv[1]) as store:
    history = MessageHistory(store, "user:42")
    for city in sys.argv[2:]:
        result = agent.run_sync(city, message_history=history.load())
        history.save(result.new_messages())
        print(json.dumps([result.output, *received]))
        received.clear()
