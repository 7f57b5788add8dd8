"""Append entries to one session: ``session_writer.py URL NUMBER``."""

from __future__ import annotations

import asyncio
import sys

from session_entries import KEY, entry

from chatstore.claude_agent_sdk import ChatStoreSessions
from chatstore.core import open_store


async def main(url: str, number: int) -> None:
    """Append ten batches."""
    async with open_store(url) as store:
        sessions = ChatStoreSessions(store)
        for n in range(10):
            fields = {"writer": number, "n": n}
            await sessions.append(KEY, [entry(**fields, customTitle=f"{number}.{n}")])


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
