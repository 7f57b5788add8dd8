"""``SimpleChatStore``: conversations in memory, optionally saved in a JSON file."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import PathLike
from typing import Any, TypeVar

from typing_extensions import Self

from chatstore.core.backend.urls import read_path_url
from chatstore.core.errors import InvalidArgumentError
from chatstore.core.simple.backend import MemoryBackend
from chatstore.core.store import ChatStore

S = TypeVar("S", bound="SimpleChatStore")


class SimpleChatStore(ChatStore):
    """Keeps conversations in memory, for tests and small programs.

    Threads and tasks can share it, processes cannot. `persist` writes a JSON file, replaced
    atomically, which `from_persist_path` reads.
    """

    def __init__(self, *, ttl: float | None = None, clock: Callable[[], float] = time.time) -> None:
        """Create an empty store.

        Args:
            ttl: Seconds after its last write until a conversation expires; by default it stays.
            clock: Returns the time in seconds since 1970.

        Raises:
            InvalidArgumentError: ``ttl`` is not a positive number.

        """
        super().__init__(MemoryBackend(ttl=ttl, clock=clock))

    def persist(self, persist_path: str | PathLike[str] | None = None) -> None:
        """Write all conversations to a JSON file, atomically.

        Args:
            persist_path: The file; by default the one that `from_persist_path` read.

        Raises:
            InvalidArgumentError: There is no path.
            StoreAccessError: The file cannot be written.
            StoreFullError: The disk is full; the old file is unchanged.
            ConversationChangedError: Another program changed the file since this store read it.

        """
        _memory_of(self).persist(persist_path)

    @classmethod
    def from_persist_path(
        cls,
        persist_path: str | PathLike[str],
        *,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
        save_on_close: bool = False,
    ) -> Self:
        """Read a file that `persist`, or LlamaIndex's ``SimpleChatStore``, wrote.

        Args:
            persist_path: The file; if it is missing, the store is empty.
            ttl: As in the constructor.
            clock: As in the constructor.
            save_on_close: Call `persist` when the store is closed.

        Raises:
            CorruptStoreError: The file is damaged, or was not written by a SimpleChatStore.
            StoreAccessError: The file cannot be read.
            SchemaVersionError: A later version wrote it.

        """
        store = cls(ttl=ttl, clock=clock)
        memory = _memory_of(store)
        memory.read_file(persist_path)
        memory.saves_on_close = save_on_close
        return store

    @classmethod
    def from_url(
        cls, url: str, *, ttl: float | None = None, clock: Callable[[], float] = time.time
    ) -> Self:
        """Open ``memory://``, or a JSON file, such as ``file:///var/lib/chat.json``.

        The file is read at once; `persist` and `close` write it.

        Args:
            url: The URL. Its option is ``ttl``, in seconds.
            ttl: As in the constructor; overrides the URL's.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: The URL has neither of these forms, or an option is unknown or
                out of range.
            CorruptStoreError: The file is damaged, or was not written by a SimpleChatStore.
            StoreAccessError: The file cannot be read.
            SchemaVersionError: A later version wrote it.

        """
        example = "memory:// or file:///var/lib/chat.json"
        path, options = read_path_url(url, example, {"ttl": float})
        if ttl is None:
            ttl = options.get("ttl")
        scheme = url.partition(":")[0].lower()
        if scheme == "file":
            return cls.from_persist_path(path, ttl=ttl, clock=clock, save_on_close=True)
        if scheme != "memory" or path:
            raise InvalidArgumentError(f"not a URL of the form {example}")
        return cls(ttl=ttl, clock=clock)

    def json(self) -> str:
        """Return all conversations as JSON text."""
        return _memory_of(self).dump()

    @classmethod
    def parse_raw(cls, text: str) -> Self:
        """Return a store with the conversations that `json` returned.

        Raises:
            CorruptStoreError: The text is damaged, or was not written by `json`.
            SchemaVersionError: A later version wrote it.

        """
        store = cls()
        _memory_of(store).load(text)
        return store

    def __reduce__(self) -> Any:
        """Pickle the conversations, too: they exist nowhere else."""
        super().__reduce__()  # raises if an argument cannot be pickled
        args, kwargs = self.__getnewargs_ex__()
        return _restored, (type(self), args, kwargs, _memory_of(self).state())

    def __copy__(self) -> Self:
        """Return the store itself."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return another store with the same conversations."""
        args, kwargs = self.__getnewargs_ex__()
        return _restored(type(self), args, kwargs, _memory_of(self).state())


def _restored(kind: type[S], args: tuple[Any, ...], kwargs: dict[str, Any], state: Any) -> S:
    """Return a store with the conversations of another one."""
    store = kind(*args, **kwargs)
    _memory_of(store).restore_state(state)
    return store


def _memory_of(store: ChatStore) -> MemoryBackend:
    backend = store.backend
    assert isinstance(backend, MemoryBackend)
    return backend
