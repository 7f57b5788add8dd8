"""``KeyRing``: the keys by their ids, and which of them encrypts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from chatstore.core import ChatStoreError, InvalidArgumentError
from chatstore.encryption.errors import DecryptionError

if TYPE_CHECKING:  # it is imported with the first key: it takes longer than this package
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DATA_KEY_MARK = "owner:"  # begins the ids of owners' data keys
KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12


class Keys(Protocol):
    """What encryption needs: a `KeyRing`, or the data keys of owners."""

    def primary(self, key: str) -> str:
        """Return the id of the key that encrypts what a conversation gets now."""
        ...

    def cipher(self, key_id: str) -> AESGCM:
        """Return the cipher of a key."""
        ...

    def prepare(self, texts: Sequence[str]) -> None:
        """Look at envelopes that were read, some of which will be opened."""
        ...


class KeyRing:
    """Keys by their ids. Old keys stay in it until everything is encrypted with newer ones."""

    def __init__(
        self,
        keys: Mapping[str, bytes] | Callable[[str], bytes],
        *,
        primary: str | Callable[[str], str],
    ) -> None:
        """Take the keys.

        Args:
            keys: Keys of 32 random bytes by their ids. Or a function that returns the key of an
                id, such as one that has a key management service decrypt it; it is called once
                for each id, waits for its result in async calls too, and raises `KeyError` for
                an unknown or destroyed key.
            primary: The id of the key that encrypts what is written now. Or a function that
                returns it for a conversation's key: with one key for each user, destroying a key
                erases all that the user wrote.

        Raises:
            InvalidArgumentError: A key does not have 32 bytes, or ``primary`` is unknown.

        """
        self._load = keys if callable(keys) else _loader(keys)
        self._ciphers: dict[str, AESGCM] = {}
        self._primary = primary
        if not callable(keys):
            for key_id, key in keys.items():
                self._ciphers[check_key_id(key_id)] = cipher_of(key_id, key)
            if isinstance(primary, str) and primary not in keys:
                raise InvalidArgumentError(f"the key ring has no key {primary!r}, the primary one")

    def primary(self, key: str) -> str:
        """Return the id of the key that encrypts what a conversation gets now.

        Raises:
            InvalidArgumentError: The function that selects it did not return an id.

        """
        return self._primary if isinstance(self._primary, str) else check_key_id(self._primary(key))

    def cipher(self, key_id: str) -> AESGCM:
        """Return the cipher of a key.

        Raises:
            DecryptionError: The key is missing, or cannot be loaded.

        """
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            try:
                key = self._load(key_id)
            except KeyError:
                raise missing_key(key_id) from None
            except ChatStoreError:
                raise
            except Exception as error:  # otherwise it would look like one of the database
                raise DecryptionError(
                    f"the key {key_id!r} cannot be loaded: the key ring's function raised "
                    f"{type(error).__name__}; check the key service and the access to it",
                    key_id,
                ) from error
            cipher = self._ciphers[key_id] = cipher_of(key_id, key)
        return cipher

    def prepare(self, texts: Sequence[str]) -> None:
        """Do nothing: a key is loaded when it is needed."""

    def forget(self, key_id: str) -> None:
        """Forget a key that a function returned, such as one that was destroyed."""
        self._ciphers.pop(key_id, None)


def missing_key(key_id: str) -> DecryptionError:
    """Return the error for a key that does not exist."""
    return DecryptionError(
        f"the key {key_id!r} is missing: add it to the key ring, unless it was destroyed to erase "
        "what it encrypted",
        key_id,
    )


def check_key_id(key_id: object) -> str:
    """Return the id of a key.

    Raises:
        InvalidArgumentError: ``key_id`` is not a string of 1 to 255 printable ASCII characters
            without quotes and backslashes, or begins as the ids of owners' data keys do.

    """
    if not isinstance(key_id, str):
        raise InvalidArgumentError(f"the id of a key must be a string, not {type(key_id).__name__}")
    is_plain = key_id.isascii() and key_id.isprintable() and not set(key_id) & {'"', "\\"}
    if not 0 < len(key_id) <= 255 or not is_plain:
        raise InvalidArgumentError(
            "the id of a key must have 1 to 255 printable ASCII characters, "
            "without quotes and backslashes"
        )
    if key_id.startswith(DATA_KEY_MARK):
        raise InvalidArgumentError(
            f"the id of a key must not begin with {DATA_KEY_MARK!r}, which begins the ids of "
            "owners' data keys; choose another id"
        )
    return key_id


def changed(key_id: str) -> DecryptionError:
    """Return the error for a text that a key did not encrypt for this place."""
    return DecryptionError(
        f"this was not encrypted with the key {key_id!r} for this place: the key is another "
        "one with the same id, or what is stored was changed or moved",
        key_id,
    )


def cipher_of(key_id: str, key: object) -> AESGCM:
    """Return the cipher of a key.

    Raises:
        InvalidArgumentError: The key does not have 32 bytes.

    """
    if not isinstance(key, bytes) or len(key) != KEY_BYTES:
        raise InvalidArgumentError(
            f"the key {key_id!r} must be {KEY_BYTES} bytes, such as os.urandom({KEY_BYTES}) returns"
        )
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _loader(keys: Mapping[str, bytes]) -> Callable[[str], bytes]:
    # Not the mapping itself: it may change, or belong to a caller that clears it.
    copied = dict(keys)
    return copied.__getitem__
