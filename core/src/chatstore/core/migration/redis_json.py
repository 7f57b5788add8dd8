"""Conversations in documents of RedisJSON, one for each message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from chatstore.core.migration.clients import check_client
from chatstore.core.migration.redis_lists import scan, text_of


class RedisJSONDocuments:
    """Documents that hold their conversation's key and a time, by which they are ordered."""

    def __init__(self, client: Any, *, prefix: str, key_field: str, time_field: str) -> None:
        """Take a client.

        Args:
            client: A sync client of redis-py; it stays open.
            prefix: What the documents' names begin with.
            key_field: The field with the conversation's key.
            time_field: The field with the time. Documents of one time stay in the order of their
                names: nothing tells theirs.

        """
        self._client = check_client(client, "client", ("json",), "a sync client of redis-py")
        self._prefix = prefix
        self._key_field = key_field
        self._time_field = time_field
        self._names: dict[str, list[str]] | None = None

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations."""
        self._names = self._ordered()
        return list(self._names)

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages, oldest first."""
        if self._names is None:
            self._names = self._ordered()
        for name in self._names.get(key, []):
            yield self._client.json().get(name)

    def _ordered(self) -> dict[str, list[str]]:
        pattern = "".join(f"\\{c}" if c in "*?[]^\\" else c for c in self._prefix) + "*"
        found = defaultdict(list)
        for name in set(map(text_of, scan(self._client, pattern))):
            document = self._client.json().get(name)
            found[document[self._key_field]].append((document[self._time_field], name))
        return {key: [name for _, name in sorted(some)] for key, some in found.items()}
