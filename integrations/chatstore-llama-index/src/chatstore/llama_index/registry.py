"""Names of stores, so that a serialized memory finds its store again."""

from __future__ import annotations

from weakref import WeakValueDictionary

from chatstore.core import ChatStore, InvalidArgumentError

_stores: WeakValueDictionary[str, ChatStore] = WeakValueDictionary()


def register_store(name: str, store: ChatStore) -> None:
    """Name a store, in every process that serializes or restores what uses it.

    A serialized memory holds this name instead of a URL, which may hold a password. The store
    stays the caller's to close, and is forgotten with its last reference. A name that is used
    again means the newer store.

    Args:
        name: Any non-empty string, such as ``"main"``.
        store: The store.

    Raises:
        InvalidArgumentError: `name` is not a non-empty string, or `store` is not a `ChatStore`.

    """
    if not isinstance(name, str) or not name:
        raise InvalidArgumentError(f"name must be a non-empty string, not {name!r}")
    check_store(store, "store")
    _stores[name] = store


def name_of(store: ChatStore) -> str:
    """Return the name of a store.

    Raises:
        InvalidArgumentError: It was not registered.

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
        InvalidArgumentError: This process did not register it.

    """
    store = _stores.get(name) if isinstance(name, str) else None
    if store is None:
        raise InvalidArgumentError(
            f"no store is registered as {name!r}: call "
            "chatstore.llama_index.register_store(name, store) before restoring"
        )
    return store


def check_store(store: object, parameter: str) -> ChatStore:
    """Return a store.

    Raises:
        InvalidArgumentError: It is not a `ChatStore`.

    """
    if not isinstance(store, ChatStore):
        kind = type(store)
        raise InvalidArgumentError(
            f"{parameter} must be a chatstore.core.ChatStore, such as open_store(url) returns, "
            f"not {kind.__module__}.{kind.__qualname__}"
        )
    return store
