"""An agent that asks a tool about cities, one turn for each: ``guide_haystack.py URL CITY ...``.

It prints as JSON what the model receives, twice per turn.
"""

from __future__ import annotations

import json
import sys

from haystack.components.agents import Agent
from haystack.components.generators.chat import MockChatGenerator
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.tools import tool

from chatstore.haystack import StoredChatMessages


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def answer(messages: list[ChatMessage]) -> ChatMessage:
    """Act as the model: ask the tool about a city, then repeat its result."""
    received = [
        [m.role.value, m.text or (m.tool_call_result and m.tool_call_result.result)]
        for m in messages
    ]
    print(json.dumps(received))
    last = messages[-1]
    if last.tool_call_result:
        return ChatMessage.from_assistant(str(last.tool_call_result.result))
    call = ToolCall("weather", {"city": last.text}, id=f"call-{len(messages)}")
    return ChatMessage.from_assistant(tool_calls=[call])


agent = Agent(chat_generator=MockChatGenerator(response_fn=answer), tools=[weather])
store = StoredChatMessages(sys.argv[1])
for city in sys.argv[2:]:
    messages = [*store.retrieve_messages("user:42"), ChatMessage.from_user(city)]
    store.write_messages("user:42", agent.run(messages=messages)["messages"])
store.close()
