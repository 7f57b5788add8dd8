"""An agent that asks a tool about cities, a turn each: ``guide_openai_agents.py URL CITY ...``.

It prints a line of JSON per turn: the answer, and what the model received, twice. The tool kills
this process at the city that the environment variable ``KILLED_AT`` names.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

from agents import Agent, Runner, function_tool, set_tracing_disabled
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call

from chatstore.core import open_store
from chatstore.openai_agents import ChatStoreSession

set_tracing_disabled(True)


@function_tool
def weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == os.environ.get("KILLED_AT"):
        os.kill(os.getpid(), signal.SIGKILL)
    return f"sunny in {city}"


def answer(call: Any) -> list[Any]:
    """Act as the model: ask the tool about a city, then repeat its result."""
    last = call.input[-1]
    if last.get("type") == "function_call_output":
        return [assistant_message(last["output"])]
    name = f"call-{len(call.input)}"
    return [function_call("weather", {"city": last["content"]}, call_id=name)]


async def main(url: str, *cities: str) -> None:
    """Ask about cities, one turn for each."""
    async with open_store(url) as store:
        session = ChatStoreSession("user:42", store)
        for city in cities:
            model = ScriptedModel([ModelStep.respond(answer)] * 2)
            agent = Agent(name="guide", model=model, tools=[weather])
            result = await Runner.run(agent, city, session=session)
            received = [call.input for call in model.calls]
            print(json.dumps([result.final_output, *received]), flush=True)


asyncio.run(main(*sys.argv[1:]))
