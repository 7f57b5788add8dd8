"""A conversation as a file: JSON Lines, a message per line."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chatstore.core import ChatStore, Conversation

FORMATS = ["jsonl"]
"""The formats of `export`."""


async def export(store: ChatStore, conversation: Conversation, name: str) -> AsyncIterator[bytes]:
    """Yield the parts of the file."""
    del name
    async for message in store.async_iter_messages(conversation.key):
        yield f"{message.model_dump_json()}\n".encode()
