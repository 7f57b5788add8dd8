"""Backends with each kind of encryption, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatstore.core import ChatStore
from chatstore.core.backend import Backend
from chatstore.core.layers import PrefixedBackend
from chatstore.core.simple import MemoryBackend
from chatstore.encryption import EncryptedBackend, HashedNamesBackend, KeyRing

KEYS = {"old": b"\x01" * 32, "new": b"\x02" * 32}
NAME_SECRET = b"\x03" * 16


def ring(primary: str | Callable[[str], str] = "new") -> KeyRing:
    return KeyRing(KEYS, primary=primary)


def encrypted(backend: Backend[Any]) -> Backend[Any]:
    return EncryptedBackend(backend, ring())


def hashed(backend: Backend[Any]) -> Backend[Any]:
    return HashedNamesBackend(backend, ring(), name_secret=NAME_SECRET)


def tenant(backend: Backend[Any]) -> Backend[Any]:
    """Each tenant has its own keys, over a part of the database."""
    return EncryptedBackend(PrefixedBackend(backend, "acme"), ring())


def store_of(backend: MemoryBackend, primary: str = "new", **options: Any) -> ChatStore:
    return ChatStore(EncryptedBackend(backend, ring(primary), **options))
