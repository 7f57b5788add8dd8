"""Stores that are broken on purpose, each as stores in the field are broken.

A contract suite is worth what it refuses: every one of these must fail in the tests that its
entry in `BROKEN_STORES` names.
"""

from chatstore.core.testing.broken import (
    costs,
    damage,
    drivers,
    identities,
    lists,
    messages,
    positions,
    processes,
    resources,
    windows,
)
from chatstore.core.testing.broken.base import BrokenHarness, BrokenStore, SoundStore
from chatstore.core.testing.broken.processes import FileHarness, FileStore

__all__ = [
    "BROKEN_STORES",
    "BrokenHarness",
    "BrokenStore",
    "FileHarness",
    "FileStore",
    "SoundStore",
]

BROKEN_STORES: tuple[BrokenStore, ...] = (
    *messages.BROKEN,
    *lists.BROKEN,
    *positions.BROKEN,
    *identities.BROKEN,
    *windows.BROKEN,
    *costs.BROKEN,
    *damage.BROKEN,
    *drivers.BROKEN,
    *resources.BROKEN,
    *processes.BROKEN,
)
