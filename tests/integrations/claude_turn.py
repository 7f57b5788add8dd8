"""A turn of the Claude Agent SDK: ``claude_turn.py URL SESSION QUESTION`` resumes the session."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from claude_agent_sdk import ClaudeAgentOptions, create_sdk_mcp_server, query, tool

from chatstore.claude_agent_sdk import ChatStoreSessions
from chatstore.core import open_store


@tool("tool", "Look for a word.", {"word": str, "place": int})
async def look(arguments: dict[str, Any]) -> dict[str, Any]:
    """Look for a word."""
    text = f"{arguments['word']} at {arguments['place']}"
    return {"content": [{"type": "text", "text": text}]}


async def main(url: str, session_id: str, question: str) -> None:
    """Run the turn."""
    async with open_store(url) as store:
        options = ClaudeAgentOptions(
            model="claude-sonnet-4-5",
            tools=[],
            mcp_servers={"crossing": create_sdk_mcp_server("crossing", tools=[look])},
            allowed_tools=["mcp__crossing__tool"],
            setting_sources=[],
            session_store=ChatStoreSessions(store),
            resume=session_id,
        )
        async for message in query(prompt=question, options=options):
            del message


asyncio.run(main(*sys.argv[1:]))
