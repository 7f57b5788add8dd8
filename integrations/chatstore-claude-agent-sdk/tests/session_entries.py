"""Entries of transcripts, as the CLI writes them, and helpers for tests of sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from claude_agent_sdk import SessionKey, SessionStoreEntry

from chatstore.claude_agent_sdk import ChatStoreSessions
from chatstore.core import ChatStore, open_store

T = TypeVar("T")
KEY: SessionKey = {"project_key": "proj", "session_id": "3f6c2c44-71c0-4c57-9d3c-7f1d9a0a0001"}


def entry(**fields: Any) -> SessionStoreEntry:
    """Return an entry; by default one that is not a part of the conversation."""
    return cast("SessionStoreEntry", {"type": "mode", **fields})


def user(uuid: str, content: Any, parent: str | None = None, **fields: Any) -> SessionStoreEntry:
    """Return an entry of the user."""
    message = {"role": "user", "content": content}
    return entry(
        **{"type": "user", "uuid": uuid, "parentUuid": parent, "message": message, **fields}
    )


def assistant(uuid: str, *blocks: dict[str, Any], parent: str | None = None) -> SessionStoreEntry:
    """Return an entry of the model."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": list(blocks)}
    return entry(type="assistant", uuid=uuid, parentUuid=parent, message=message)


def run(url: str, use: Callable[[ChatStoreSessions, ChatStore], Awaitable[T]]) -> T:
    """Call an async function with sessions in a store, and the store."""

    async def opened() -> T:
        async with open_store(url) as store:
            return await use(ChatStoreSessions(store), store)

    return asyncio.run(opened())
