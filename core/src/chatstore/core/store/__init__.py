"""``ChatStore``: the public interface, sync and async."""

from chatstore.core.store.chat_store import ChatStore, check_store

__all__ = ["ChatStore", "check_store"]
