"""Stores that do not combine appends, so that writers compete in the database."""

from __future__ import annotations

from typing import Any

from chatstore.core.backend import Backend, WrapperBackend
from chatstore.core.store import ChatStore


class AloneBackend(WrapperBackend[Any]):
    """Has each append written alone."""

    def __init__(self, inner: Backend[Any]) -> None:
        """Wrap a backend."""
        super().__init__(inner)
        self.max_combined_records = 1


def alone(store: ChatStore) -> ChatStore:
    """Return a store that does the same, but does not combine appends."""
    return ChatStore(AloneBackend(store.backend))
