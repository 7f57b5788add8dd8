"""The stores that are compared: one without layers, and the same with each layer.

To measure another layer, add it to `LAYERS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from chatstore.core import ChatMessage
from chatstore.core.backend import Backend
from chatstore.core.layers import PrefixedBackend, RedactedBackend
from chatstore.encryption import EncryptedBackend, HashedNamesBackend, KeyRing

PLAIN = "without layers"
_KEYS = KeyRing({"bench": os.urandom(32)}, primary="bench")
_SECRET = os.urandom(16)


def _prefixed(backend: Backend[Any]) -> Backend[Any]:
    return PrefixedBackend(backend, "acme")


def _redacted(backend: Backend[Any]) -> Backend[Any]:
    return RedactedBackend(backend, _unchanged)


def _unchanged(message: ChatMessage) -> ChatMessage:
    return message


def _encrypted(backend: Backend[Any]) -> Backend[Any]:
    return EncryptedBackend(backend, _KEYS)


def _hashed(backend: Backend[Any]) -> Backend[Any]:
    return HashedNamesBackend(backend, _KEYS, name_secret=_SECRET)


LAYERS: dict[str, Callable[[Backend[Any]], Backend[Any]]] = {
    "PrefixedBackend": _prefixed,
    "RedactedBackend": _redacted,
    "EncryptedBackend": _encrypted,
    "HashedNamesBackend": _hashed,
    "all of them": lambda backend: _redacted(_hashed(_prefixed(backend))),
}
