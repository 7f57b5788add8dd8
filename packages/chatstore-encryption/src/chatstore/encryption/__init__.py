"""Encryption of conversations, over the backend of any store.

``ChatStore(EncryptedBackend(store.backend, keys))`` is a complete store, sync and async.
"""

from chatstore.encryption.backend import EncryptedBackend
from chatstore.encryption.errors import DecryptionError
from chatstore.encryption.hashed_names import HashedNamesBackend
from chatstore.encryption.keys import KeyRing
from chatstore.encryption.owners import (
    Erased,
    OwnerKeysBackend,
    async_erase_owner,
    erase_owner,
)
from chatstore.encryption.rotation import Rotation, async_rotate, rotate
from chatstore.encryption.surveying import Survey, async_survey, survey

__all__ = [
    "DecryptionError",
    "EncryptedBackend",
    "Erased",
    "HashedNamesBackend",
    "KeyRing",
    "OwnerKeysBackend",
    "Rotation",
    "Survey",
    "async_erase_owner",
    "async_rotate",
    "async_survey",
    "erase_owner",
    "rotate",
    "survey",
]
