"""Appends that are repeated after an error, which may have hidden their success."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from claude_agent_sdk import SessionStoreEntry

_MAX_BATCHES = 1000  # an identifier is about 60 bytes; the SDK repeats an append at once


class FailedAppends:
    """Remembers the ids of messages whose append raised an error.

    The SDK repeats such an append. With the same ids it takes effect once, also for entries
    without a ``uuid``: a store does not add an id again.
    """

    def __init__(self) -> None:
        """Begin without appends."""
        self._ids: dict[str, list[str]] = {}

    def take(self, key: str, entries: Sequence[SessionStoreEntry]) -> list[str] | None:
        """Return the ids for an append that failed before, for one repetition."""
        if not self._ids:
            return None
        try:
            digest = _digest(key, entries)
        except (TypeError, ValueError, RecursionError):
            return None  # not JSON: no append of it got as far as the store
        return self._ids.pop(digest, None)

    def remember(self, key: str, entries: Sequence[SessionStoreEntry], ids: list[str]) -> None:
        """Keep the ids of an append that raised an error."""
        while len(self._ids) >= _MAX_BATCHES:
            self._ids.pop(next(iter(self._ids)), None)
        self._ids[_digest(key, entries)] = ids


def _digest(key: str, entries: Sequence[SessionStoreEntry]) -> str:
    text = json.dumps([key, list(entries)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
