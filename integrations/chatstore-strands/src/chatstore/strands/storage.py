"""``ChatStoreStorage``: any store as Strands' ``Storage``."""

from __future__ import annotations

import base64
import builtins
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from strands.storage import Storage
from strands.types.exceptions import StorageError
from typing_extensions import Self

from chatstore.core import ChatMessage, ChatStore, ChatStoreError, open_store
from chatstore.core.documents import from_document, to_document
from chatstore.core.keys import join_key

_CHUNK = 500_000  # characters: at most 3 MB as JSON, below every store's limit of a message


class ChatStoreStorage(Storage):
    """Keeps bytes under string keys in a store, for `SnapshotSessionManager` and others.

    A value is a conversation of its own with the key ``prefix/key``, of at most 255 bytes in UTF-8.
    Keys are used as they are: ``a//b`` is not ``a/b``. Values of any size are replaced at once.

    A search reads all values, as in Strands' own storages without a search strategy.
    """

    def __init__(self, store: ChatStore | str, *, prefix: str = "strands-storage") -> None:
        """Use a store, or open one; nothing is read yet.

        Args:
            store: A store, which is never closed, or the URL of one, as for ``open_store``.
            prefix: The beginning of the key of every value. Storages with different prefixes do
                not see each other's values.

        Raises:
            UnknownSchemeError: No installed distribution has the URL's scheme.
            InvalidKeyError: ``prefix`` is not a string of 1 to 255 bytes.

        """
        self._prefix = join_key(prefix)
        self._is_own = not isinstance(store, ChatStore)
        self.store = store if isinstance(store, ChatStore) else open_store(store)

    async def write(self, key: str, data: bytes) -> None:
        """Replace the value under a key.

        Raises:
            StorageError: The key is not valid, or the store failed.

        """
        with _as_storage_error("write", key):
            await self.store.async_set_messages(self._key(key), _chunks(bytes(data)))

    async def read(self, key: str) -> bytes | None:
        """Return the value under a key, ``None`` if there is none.

        Raises:
            StorageError: The key is not valid, or the store failed.

        """
        with _as_storage_error("read", key):
            chunks = await self.store.async_get_messages(self._key(key))
            return _joined(chunks) if chunks else None

    async def delete(self, key: str) -> None:
        """Delete the value under a key, if there is one.

        Raises:
            StorageError: The key is not valid, or the store failed.

        """
        with _as_storage_error("delete", key):
            await self.store.async_delete_messages(self._key(key))

    async def list(self, query: str = "") -> builtins.list[str]:
        """Return all keys that begin with a prefix, in ascending order.

        In SQL databases this reads the keys with the prefix; in others, all keys of the database.

        Raises:
            StorageError: The prefix is not valid, or the store failed.

        """
        with _as_storage_error("list", query):
            start = f"{self._prefix}/"
            keys = await self.store.async_get_keys(start + query)
            return sorted(key.removeprefix(start) for key in keys)

    def close(self) -> None:
        """Close the store if it was opened by URL; every later call raises `StorageError`."""
        if self._is_own:
            self.store.close()

    async def aclose(self) -> None:
        """Like `close`, but awaitable."""
        if self._is_own:
            await self.store.async_close()

    async def __aenter__(self) -> Self:
        """Return the storage, which is closed at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the storage."""
        await self.aclose()

    def _key(self, key: str) -> str:
        if not key:
            raise StorageError("a key must have at least one character")
        return f"{self._prefix}/{key}"


@contextmanager
def _as_storage_error(call: str, key: str) -> Iterator[None]:
    try:
        yield
    except ChatStoreError as error:
        raise StorageError(f"cannot {call} {key!r}: {error}") from error


def _chunks(data: bytes) -> list[ChatMessage]:
    """Return the messages that hold a value: as text if it is text, otherwise as base64."""
    try:
        encoding, text = "utf-8", data.decode()
    except UnicodeDecodeError:
        encoding, text = "base64", base64.b64encode(data).decode()
    return [
        _numbered(to_document({"encoding": encoding, "data": text[start : start + _CHUNK]}), start)
        for start in range(0, len(text) or 1, _CHUNK)
    ]


def _numbered(message: ChatMessage, number: int) -> ChatMessage:
    """Return a document with an id of its own, since a value may have several."""
    return message.model_copy(update={"id": f"{message.id}-{number}"})


def _joined(chunks: Iterable[ChatMessage]) -> bytes:
    documents: list[Any] = [from_document(chunk) for chunk in chunks]
    text = "".join(document["data"] for document in documents)
    return base64.b64decode(text) if documents[0]["encoding"] == "base64" else text.encode()
