"""An agent that asks a tool about cities, one turn for each.

``guide_claude_agent_sdk.py URL SESSION CITY ...``: the session begins if it does not exist. It
prints each answer. In the city ``crash`` the process is killed while the tool runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    ResultMessage,
    create_sdk_mcp_server,
    project_key_for_directory,
    tool,
)

from chatstore.claude_agent_sdk import ChatStoreSessions
from chatstore.core import open_store


@tool("weather", "Tell the weather of a city.", {"city": str})
async def weather(arguments: dict[str, Any]) -> dict[str, Any]:
    """Tell the weather of a city."""
    if arguments["city"] == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"content": [{"type": "text", "text": f"sunny in {arguments['city']}"}]}


async def main(url: str, session_id: str, *cities: str) -> None:
    """Run the turns."""
    async with open_store(url) as store:
        sessions = ChatStoreSessions(store)
        project = project_key_for_directory()
        exists = await sessions.load({"project_key": project, "session_id": session_id})
        options = ClaudeAgentOptions(
            model="claude-sonnet-4-5",
            system_prompt="Be brief.",
            tools=[],
            mcp_servers={"weather": create_sdk_mcp_server("weather", tools=[weather])},
            allowed_tools=["mcp__weather__weather"],
            setting_sources=[],
            session_store=sessions,
            session_id=None if exists else session_id,
            resume=session_id if exists else None,
        )
        async with ClaudeSDKClient(options) as client:
            for city in cities:
                await client.query(city)
                async for message in client.receive_response():
                    if isinstance(message, ResultMessage):
                        print(message.result, flush=True)


asyncio.run(main(*sys.argv[1:]))
