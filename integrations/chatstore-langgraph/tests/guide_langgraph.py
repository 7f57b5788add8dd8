"""An agent that asks a tool about cities, one turn for each: ``guide_langgraph.py URL CITY ...``.

It first finishes a turn that was interrupted. It prints a line of JSON per turn: the answer, and
what the model received each time. The variable ``KILLED_IN`` names a city whose tool call kills the
process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from chatstore.core import open_store
from chatstore.langgraph import ChatStoreSaver

received: list[list[list[Any]]] = []


def model(state: MessagesState) -> dict[str, Any]:
    """Act as a model: ask the tool about a city, then repeat its result."""
    messages = state["messages"]
    received.append([[message.type, message.content] for message in messages])
    last = messages[-1]
    if last.type == "tool":
        return {"messages": [AIMessage(last.content)]}
    call = {"name": "weather", "args": {"city": last.content}, "id": f"call-{len(messages)}"}
    return {"messages": [AIMessage("", tool_calls=[call])]}


def weather(city: str) -> str:
    """Tell the weather of a city."""
    if os.environ.get("KILLED_IN") == city:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"sunny in {city}"


graph = StateGraph(MessagesState)
graph.add_node("model", model)
graph.add_node("tools", ToolNode([weather]))
graph.add_edge(START, "model")
graph.add_conditional_edges("model", tools_condition)
graph.add_edge("tools", "model")

with open_store(sys.argv[1]) as store:
    agent = graph.compile(checkpointer=ChatStoreSaver(store))
    thread: Any = {"configurable": {"thread_id": "user:42"}}

    def answer(question: Any) -> None:
        """Run a turn, and print it."""
        received.clear()
        result = agent.invoke(question, thread, durability="sync")
        print(json.dumps([result["messages"][-1].content, *received]), flush=True)

    if agent.get_state(thread).next:
        answer(None)
    for city in sys.argv[2:]:
        answer({"messages": [{"role": "user", "content": city}]})
