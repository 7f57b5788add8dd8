"""Encryption of conversations, over the backend of any store.

``ChatStore(EncryptedBackend(store.backend, keys))`` is a complete store, sync and async.
"""

from chatstore.encryption.backend import EncryptedBackend
from chatstore.encryption.errors import DecryptionError
from chatstore.encryption.hashed_names import HashedNamesBackend
from chatstore.encryption.keys import KeyRing
from chatstore.encryption.rotation import Rotation, async_rotate, rotate

__all__ = [
    "DecryptionError",
    "EncryptedBackend",
    "HashedNamesBackend",
    "KeyRing",
    "Rotation",
    "async_rotate",
    "rotate",
]
