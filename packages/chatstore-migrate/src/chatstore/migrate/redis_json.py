"""Read conversations from RedisJSON: one document per message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from chatstore.core import CorruptStoreError
from chatstore.migrate.clients import check_client
from chatstore.migrate.redis_lists import decode_text, scan


class RedisJSONDocuments:
    """Reads documents that hold their conversation's key, ordered by a time that they hold."""

    def __init__(self, client: Any, *, prefix: str, key_field: str, time_field: str) -> None:
        """Use a database; nothing is read yet.

        Args:
            client: A sync client of redis-py; it is never closed.
            prefix: The beginning of the documents' names.
            key_field: The field with the conversation's key.
            time_field: The field with the time. Documents with the same time are ordered by name.

        """
        self._client = check_client(client, "client", ("json",), "a sync client of redis-py")
        self._prefix = prefix
        self._key_field = key_field
        self._time_field = time_field
        self._names: dict[str, list[str]] | None = None

    def keys(self) -> Iterable[str]:
        """Return the keys of all conversations.

        Raises:
            CorruptStoreError: A document does not have the fields of a message.

        """
        self._names = self._names_by_key()
        return list(self._names)

    def items(self, key: str) -> Iterator[Any]:
        """Return the messages of a conversation as JSON values, oldest first."""
        if self._names is None:
            self._names = self._names_by_key()
        for name in self._names.get(key, []):
            yield self._client.json().get(name)

    def _names_by_key(self) -> dict[str, list[str]]:
        """Return the names of the documents of each conversation, in their order."""
        documents = defaultdict(list)
        for name in set(map(decode_text, scan(self._client, self._prefix))):
            document = self._client.json().get(name)
            if document is None:
                continue  # it was deleted since it was listed
            key, time = self._fields_of(document, name)
            documents[key].append((time, name))
        return {key: [name for _, name in sorted(pairs)] for key, pairs in documents.items()}

    def _fields_of(self, document: Any, name: str) -> tuple[str, float]:
        if isinstance(document, dict):
            key, time = document.get(self._key_field), document.get(self._time_field)
            if isinstance(key, str) and isinstance(time, (int, float)):
                return key, time
        raise CorruptStoreError(
            f"the document {name!r} is not a message of the history: it needs a text "
            f"{self._key_field!r} and a number {self._time_field!r}; a longer prefix leaves out "
            "the documents of other programs"
        )
