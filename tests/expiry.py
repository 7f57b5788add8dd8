"""Check, for several packages, that `purge_expired` frees the storage of expired conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from chatstore.core.testing.messages import message

DAY = 24 * 3600


class Clock:
    """A clock that a test sets."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        """Return seconds since 1970."""
        return self.now


def check_purge(store: Any, clock: Clock, count: Callable[[], int], *, is_async: bool) -> None:
    """Let conversations expire after a ttl of one minute; ``count`` counts the stored records."""

    def purge() -> None:
        if is_async:
            asyncio.run(store.async_purge_expired())
        else:
            store.purge_expired()

    store.add_messages("old", [message(str(number), id=str(number)) for number in range(30)])
    clock.now += 61
    store.add_message("new", message("stays"))
    # A head, 30 messages with their markers, a seal; a head, a message, a seal.
    assert count() == 62 + 3
    purge()
    assert count() == 1 + 3
    clock.now += 59
    store.add_message("new", message("stays, too"))
    clock.now += 1
    purge()
    assert store.count_messages("new") == 2
    clock.now += 4 * DAY
    store.add_message("newest", message("stays"))
    purge()
    assert store.get_keys() == ["newest"]
    assert count() == 1 + 3
    for _ in range(2):
        clock.now += 4 * DAY
        purge()
    assert count() == 0
    store.add_message("old", message("again"))
    assert [item.content for item in store.get_messages("old")] == ["again"]
