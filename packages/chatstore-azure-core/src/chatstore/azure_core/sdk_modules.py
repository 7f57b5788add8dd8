"""Imports modules of the SDKs, one thread at a time.

Two threads that import azure-data-tables at once, one for sync and one for async calls, may see it
half initialized, since its modules import each other in circles.
"""

from __future__ import annotations

import threading
from importlib import import_module
from types import ModuleType

from chatstore.core.backend import ForkAware, watch


class _Importer(ForkAware):
    def __init__(self) -> None:
        self._lock = threading.Lock()

    def after_fork_in_child(self) -> None:
        """Start with a free lock: the thread that holds it does not exist in the child."""
        self._lock = threading.Lock()

    def import_alone(self, name: str) -> ModuleType:
        with self._lock:
            return import_module(name)


_importer = _Importer()
watch(_importer)


def import_sdk(name: str) -> ModuleType:
    """Import a module while no other thread imports one."""
    return _importer.import_alone(name)
