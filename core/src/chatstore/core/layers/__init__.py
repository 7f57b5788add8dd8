"""Layers over any backend: each changes one thing, and they can be combined.

``ChatStore(PrefixedBackend(store.backend, "acme"))`` is a complete store, sync and async, whatever
``store`` is. Closing it closes ``store``'s connections.
"""

from chatstore.core.layers.mapping import MappingBackend
from chatstore.core.layers.prefixed import PrefixedBackend
from chatstore.core.layers.redacted import RedactedBackend

__all__ = ["MappingBackend", "PrefixedBackend", "RedactedBackend"]
