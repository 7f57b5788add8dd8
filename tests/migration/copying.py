"""Checks of migrations that the tests of all frameworks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatstore.core import ChatMessage, SimpleChatStore
from chatstore.migrate import migrate


def check_copies(
    source: Any, expected: dict[str, list[Any]], read: Callable[[list[ChatMessage]], list[Any]]
) -> None:
    """Migrate twice, and compare the copies with the framework's messages.

    Args:
        source: What to migrate.
        expected: The messages by key, as the framework reads them.
        read: Returns the framework's messages for a store's.

    """
    with SimpleChatStore() as store:
        report = migrate(source, store)
        again = migrate(source, store)
        result = {key: read(store.get_messages(key)) for key in store.get_keys()}
    assert result == expected
    assert report.conversations == again.conversations == len(expected)
    assert report.messages == report.copied == sum(map(len, expected.values())) > 4
    assert again.copied == 0


def dump(client: Any) -> dict[Any, Any]:
    """Return the values of all keys of a Redis server."""
    return {name: client.dump(name) for name in client.scan_iter()}
