"""Conversations in Redis lists, by redis-py or upstash-redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from chatstore.core.migration.clients import check_client

_PAGE = 500


class RedisLists:
    """One list a conversation, whose elements are JSON texts."""

    def __init__(self, client: Any, *, prefix: str = "", newest_first: bool = False) -> None:
        """Take a client.

        Args:
            client: A sync client of redis-py or upstash-redis; it stays open.
            prefix: What the lists' names have before the conversation's key. Without one, every
                list of the database is taken for a conversation.
            newest_first: Whether messages were pushed to the left.

        """
        self._client = check_client(
            client, "client", ("scan", "lrange"), "a sync client of redis-py or upstash-redis"
        )
        self._prefix = prefix
        self._newest_first = newest_first

    def keys(self) -> Iterator[str]:
        """Return the keys of all conversations."""
        pattern = "".join(f"\\{c}" if c in "*?[]^\\" else c for c in self._prefix) + "*"
        for name in set(scan(self._client, pattern)):
            if text_of(self._client.type(name)) == "list":
                yield text_of(name)[len(self._prefix) :]

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages, oldest first."""
        name = self._prefix + key
        count = self._client.llen(name)
        for start in range(0, count, _PAGE):
            end = min(start + _PAGE, count)
            if self._newest_first:
                found = reversed(self._client.lrange(name, -end, -start - 1))
            else:
                found = self._client.lrange(name, start, end - 1)
            yield from (json.loads(text_of(text)) for text in found)


def scan(client: Any, pattern: str) -> Iterator[Any]:
    """Return the names that match a pattern; some may come twice."""
    if hasattr(client, "scan_iter"):
        yield from client.scan_iter(match=pattern, count=1000)
        return
    cursor = None
    while cursor != 0:
        cursor, names = client.scan(cursor or 0, match=pattern, count=1000)
        cursor = int(cursor)
        yield from names


def text_of(value: Any) -> str:
    """Return text, which redis-py returns as bytes by default.

    Bytes that are not UTF-8, which another program wrote, become text that is not a valid key.
    """
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)
