"""An agent that asks a tool about cities, one turn for each: ``guide_strands.py URL CITY ...``.

It prints as JSON what the model receives, twice per turn. The tool kills the process if it is
asked about Atlantis.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from models_strands import FunctionModel, call
from strands import Agent, tool

from chatstore.strands import ChatStoreSessionManager


@tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Atlantis":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"sunny in {city}"


def answer(messages: Any) -> Any:
    """Act as the model: ask the tool about a city, then repeat its result."""
    print(json.dumps([[message["role"], message["content"]] for message in messages]), flush=True)
    last = messages[-1]["content"][-1]
    if "toolResult" in last:
        return last["toolResult"]["content"]
    reasoning = {"text": "look it up", "signature": "s"}
    return [
        {"reasoningContent": {"reasoningText": reasoning}},
        call("weather", f"call-{last['text']}", city=last["text"]),
    ]


with ChatStoreSessionManager("user:42", sys.argv[1]) as session:
    agent = Agent(
        FunctionModel(answer), tools=[weather], session_manager=session, callback_handler=None
    )
    for city in sys.argv[2:]:
        agent(city)
