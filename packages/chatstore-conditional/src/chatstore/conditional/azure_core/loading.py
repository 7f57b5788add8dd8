"""Loads modules of the SDKs, one thread at a time.

Two threads that load azure-data-tables at once, one for sync and one for async calls, see it half
made: its modules import each other in circles.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

from chatstore.core.backend import ForkAware, watch


class _Loader(ForkAware):
    def __init__(self) -> None:
        self._lock = threading.Lock()

    def after_fork_in_child(self) -> None:
        """Start with a free lock: the thread that holds it does not exist here."""
        self._lock = threading.Lock()

    def load(self, name: str) -> Any:
        with self._lock:
            return import_module(name)


_loader = _Loader()
watch(_loader)


def load(name: str) -> Any:
    """Return a module, which is imported by one thread at a time."""
    return _loader.load(name)
