"""Read conversations from Redis: one list per conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from chatstore.migrate.clients import check_client

_PAGE = 500


class RedisLists:
    """Reads lists whose elements are JSON texts, with redis-py or upstash-redis."""

    def __init__(self, client: Any, *, prefix: str = "", newest_first: bool = False) -> None:
        """Use a database; nothing is read yet.

        Args:
            client: A sync client of redis-py or upstash-redis; it is never closed.
            prefix: What comes before the conversation's key in the names of lists. Without a
                prefix, every list of the database is read as a conversation.
            newest_first: Whether the newest message is at the head of a list.

        """
        self._client = check_client(
            client, "client", ("scan", "lrange"), "a sync client of redis-py or upstash-redis"
        )
        self._prefix = prefix
        self._newest_first = newest_first

    def keys(self) -> Iterator[str]:
        """Return the keys of all conversations."""
        for name in set(scan(self._client, self._prefix)):
            if decode_text(self._client.type(name)) == "list":
                yield decode_text(name)[len(self._prefix) :]

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        name = self._prefix + key
        count = self._client.llen(name)
        for start in range(0, count, _PAGE):
            end = min(start + _PAGE, count)
            if self._newest_first:
                page = reversed(self._client.lrange(name, -end, -start - 1))
            else:
                page = self._client.lrange(name, start, end - 1)
            yield from (json.loads(decode_text(text)) for text in page)


def scan(client: Any, prefix: str) -> Iterator[Any]:
    """Iterate over the names that begin with a prefix; a name may come twice."""
    pattern = "".join(f"\\{c}" if c in "*?[]^\\" else c for c in prefix) + "*"
    if hasattr(client, "scan_iter"):
        yield from client.scan_iter(match=pattern, count=1000)
        return
    cursor = None
    while cursor != 0:
        cursor, names = client.scan(cursor or 0, match=pattern, count=1000)
        cursor = int(cursor)
        yield from names


def decode_text(value: Any) -> str:
    """Return text, which redis-py returns as bytes by default.

    Bytes that are not UTF-8 become text with lone surrogates, which is not a valid key.
    """
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)
