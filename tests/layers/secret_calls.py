"""Calls that store secrets in every place where a store keeps something."""

from __future__ import annotations

import asyncio

from chatstore.core import ChatMessage, ChatStore, TextBlock
from chatstore.core.testing.messages import message

CONTENT = ["swordfish", "4111111111111111", "invoice", "Lisbon", "receipt"]
NAMES = ["key-of-a-user", "ann@example.org", "bob@example.org"]
KEY, ANN, BOB = NAMES


def store_secrets(store: ChatStore) -> None:
    """Make each kind of write, sync and async."""
    store.create_conversation(KEY, owner=ANN, title="Lisbon", metadata={"m": "invoice"})
    store.add_message(KEY, message("swordfish", id="a", additional_kwargs={"k": "invoice"}))
    store.add_message(KEY, message("card 4111111111111111", metadata={"x": "receipt"}), 0)
    store.add_messages(KEY, [message("swordfish", id="c"), message("Lisbon", id="d")])
    blocks = [TextBlock(text="swordfish")]
    store.put_message(KEY, ChatMessage(role="user", content=blocks, id="b"))
    store.put_message(KEY, message("swordfish!", id="a"))
    store.update_conversation(KEY, title="Lisbon!", metadata={"n": "invoice"}, owner=BOB)
    store.fork(KEY, f"{KEY}-2", owner=ANN)
    store.set_messages(f"{KEY}-3", [message("swordfish")])
    store.remove_message(KEY, "c")
    asyncio.run(_store_async(store))


async def _store_async(store: ChatStore) -> None:
    await store.async_add_message(f"{KEY}-4", message("swordfish 4111111111111111", id="a"))
    await store.async_put_message(f"{KEY}-4", message("invoice", id="a"))
    await store.async_set_messages(f"{KEY}-5", [message("Lisbon")])
    await store.async_close()


def contained(words: list[str], text: str) -> list[str]:
    """Return the words that a text contains."""
    return [word for word in words if word in text]
