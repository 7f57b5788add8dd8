"""Appends take effect in the order of their calls."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary, WeakValueDictionary


class KeyLocks:
    """A lock for each conversation and event loop; those that wait get it in their order."""

    def __init__(self) -> None:
        """Begin without locks."""
        self._loops: WeakKeyDictionary[
            asyncio.AbstractEventLoop, WeakValueDictionary[str, asyncio.Lock]
        ] = WeakKeyDictionary()

    def lock(self, key: str) -> asyncio.Lock:
        """Return the lock of a conversation in the running loop."""
        locks = self._loops.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
        return locks.setdefault(key, asyncio.Lock())
