"""Stores that are broken on purpose, each in a way that occurs in practice.

The contract suite must reject each of them. `BROKEN_STORES` names the tests that must fail.
"""

from chatstore.core.testing.broken import (
    conversations,
    costs,
    damage,
    drivers,
    expiry,
    facades,
    keys,
    maintenance,
    message_ids,
    positions,
    processes,
    removals,
    representation,
    resources,
    windows,
    writes,
)
from chatstore.core.testing.broken.base import (
    BrokenBackend,
    BrokenHarness,
    BrokenStore,
    CorrectStore,
)
from chatstore.core.testing.broken.file_backend import FileBackend, FileHarness

__all__ = [
    "BROKEN_STORES",
    "BrokenBackend",
    "BrokenHarness",
    "BrokenStore",
    "CorrectStore",
    "FileBackend",
    "FileHarness",
]

BROKEN_STORES: tuple[BrokenStore, ...] = (
    *writes.BROKEN,
    *conversations.BROKEN,
    *removals.BROKEN,
    *positions.BROKEN,
    *message_ids.BROKEN,
    *keys.BROKEN,
    *expiry.BROKEN,
    *windows.BROKEN,
    *costs.BROKEN,
    *damage.BROKEN,
    *drivers.BROKEN,
    *facades.BROKEN,
    *representation.BROKEN,
    *maintenance.BROKEN,
    *resources.BROKEN,
    *processes.BROKEN,
)
