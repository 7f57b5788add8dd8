"""Names of stores, with which a serialized memory finds its store again."""

from __future__ import annotations

from weakref import WeakValueDictionary

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.store import check_store

_stores: WeakValueDictionary[str, ChatStore] = WeakValueDictionary()


def register_store(name: str, store: ChatStore) -> None:
    """Name a store, in every process that serializes or restores its memories.

    A serialized memory contains this name instead of a URL, which may contain a password. The
    store is never closed, and is forgotten with its last reference. If the name is registered
    already, it is replaced.

    Args:
        name: A non-empty string, such as ``"main"``.
        store: The store.

    Raises:
        InvalidArgumentError: `name` is not a non-empty string, or `store` is not a `ChatStore`.

    """
    if not isinstance(name, str) or not name:
        raise InvalidArgumentError(f"name must be a non-empty string, not {name!r}")
    _stores[name] = check_store(store)


def name_of(store: ChatStore) -> str:
    """Return the name of a store.

    Raises:
        InvalidArgumentError: The store is not registered.

    """
    for name, registered in list(_stores.items()):
        if registered is store:
            return name
    raise InvalidArgumentError(
        f"this {type(store).__name__} cannot be serialized: call "
        "chatstore.llama_index.register_store(name, store) first, here and where it is restored; "
        "or pass memory= to each run of an agent instead"
    )


def store_named(name: object) -> ChatStore:
    """Return the store of a name.

    Raises:
        InvalidArgumentError: The name is not registered in this process.

    """
    store = _stores.get(name) if isinstance(name, str) else None
    if store is None:
        raise InvalidArgumentError(
            f"no store is registered as {name!r}: call "
            "chatstore.llama_index.register_store(name, store) before restoring"
        )
    return store
