"""An agent that asks a tool about cities: ``guide_agent_framework.py URL MODE CITY ...``.

One turn for each city. It prints a line of JSON for each request that the model received. The
weather of "Nowhere" kills the process. With the mode "call", messages are stored after each call
of the model; with "turn", at the end of a turn.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

from agent_framework import Agent, tool
from fake_client import FakeClient, ask_weather, outline

from chatstore.agent_framework import ChatStoreHistoryProvider
from chatstore.core import open_store


@tool(approval_mode="never_require")
def weather(city: str) -> str:
    """Tell the weather of a city."""
    if city == "Nowhere":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"sunny in {city}"


async def main(url: str, mode: str, *cities: str) -> None:
    """Ask about cities, one turn for each."""
    async with open_store(url) as store:
        client = FakeClient(ask_weather)
        agent = Agent(
            client,
            "You know the weather.",
            tools=[weather],
            context_providers=[ChatStoreHistoryProvider(store)],
            require_per_service_call_history_persistence=mode == "call",
        )
        session = agent.create_session(session_id="user:42")
        for city in cities:
            await agent.run(city, session=session)
            for request in client.received:
                print(json.dumps(outline(request)), flush=True)
            client.received.clear()


asyncio.run(main(*sys.argv[1:]))
