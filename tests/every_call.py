"""Call every method of a store, so that tests see all requests that it sends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from chatstore.core.testing.messages import message

_CALLS: list[tuple[Any, ...]] = [
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
    ("create_conversation", ("c",), {"owner": "ann", "title": "t" * 500}),
    ("get_conversation", ("c",)),
    ("update_conversation", ("c",), {"owner": "bob", "metadata": {"n": 1}}),
    ("put_message", ("c", message("a", id="1"))),
    ("put_message", ("c", message("b", id="1"))),
    ("put_message", ("c", message("c", id="2"))),
    ("get_message", ("c", "1")),
    ("page_messages", ("c",), {"before": "2"}),
    ("snapshot", ("c",), {"last": 1}),
    ("fork", ("c", "d"), {"until": "1"}),
    ("list_conversations", (), {"owner": "bob", "limit": 1}),
    ("list_conversations", ()),
    ("remove_message", ("c", "1")),
    ("truncate", ("c",), {"from_id": "2"}),
    ("delete_conversations", (), {"owner": "bob"}),
    ("purge_expired", ()),
    ("check", ()),
]
"""Methods with their arguments, and those by keyword. They leave no conversation."""


def call_all(store: Any) -> None:
    """Call every method, sync and async."""
    for name, arguments, options in _calls():
        getattr(store, name)(*arguments, **options)
    list(store.iter_messages("k"))
    list(store.iter_keys())
    list(store.iter_conversations(owner="bob"))

    async def call_async() -> None:
        for name, arguments, options in _calls():
            await getattr(store, f"async_{name}")(*arguments, **options)
        assert [one async for one in store.async_iter_messages("k")] == []
        assert [key async for key in store.async_iter_keys()] == []
        assert [one async for one in store.async_iter_conversations(owner="bob")] == []

    asyncio.run(call_async())


def _calls() -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    for name, arguments, *options in _CALLS:
        yield name, arguments, options[0] if options else {}
