"""Call every method of a store, so that tests see all requests that it sends."""

from __future__ import annotations

import asyncio
from typing import Any

from chatstore.core.testing.messages import message

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("set_messages", ("k", [message("a"), message("b")])),
    ("add_message", ("k", message("c"))),
    ("add_message", ("k", message("named", id="x"))),
    ("add_message", ("k", message("named", id="x"))),
    ("add_message", ("k", message("first"), 0)),
    ("add_messages", ("k", [message(str(number)) for number in range(300)])),
    ("add_message", ("k", message("large" * 400_000))),
    ("get_messages", ("k",)),
    ("count_messages", ("k",)),
    ("get_keys", ("k",)),
    ("delete_message", ("k", 1)),
    ("delete_last_message", ("k",)),
    ("set_messages", ("k", [message("a")])),
    ("delete_last_message", ("k",)),
    ("add_messages", ("k", [message("a"), message("b")])),
    ("delete_messages", ("k",)),
    ("purge_expired", ()),
]


def call_all(store: Any) -> None:
    """Call every method, sync and async."""
    for name, arguments in CALLS:
        getattr(store, name)(*arguments)
    list(store.iter_messages("k"))
    list(store.iter_keys())

    async def call_async() -> None:
        for name, arguments in CALLS:
            await getattr(store, f"async_{name}")(*arguments)
        assert [one async for one in store.async_iter_messages("k")] == []
        assert [key async for key in store.async_iter_keys()] == []

    asyncio.run(call_async())
