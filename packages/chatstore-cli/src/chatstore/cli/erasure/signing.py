"""Signatures of receipts: Ed25519 with a key in PEM, HMAC-SHA256 with any other file."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from chatstore.cli.errors import CommandError
from chatstore.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_LEAST_BYTES = 32
_ADVICE = (
    "create one with `openssl genpkey -algorithm ed25519 -out erasure.pem` (receipts can be "
    "verified with its public key), or with `openssl rand -out erasure.key 32`"
)


class SigningKey(Protocol):
    """Signs and verifies.

    Attributes:
        algorithm: Its name in receipts.

    """

    algorithm: str

    def sign(self, data: bytes) -> str:
        """Return the signature as base64 text.

        Raises:
            CommandError: The key can only verify.

        """
        ...

    def verifies(self, data: bytes, signature: str) -> bool:
        """Return whether a signature was made with this key."""
        ...


def load_key(path: Path) -> SigningKey:
    """Read a key file.

    Raises:
        CommandError: It cannot be read, is too short, or is a key of another kind.

    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(
            f"the signing key {path} cannot be read ({error.strerror}); {_ADVICE}", ExitCode.USAGE
        ) from None
    if data.startswith(b"-----BEGIN"):
        return _Ed25519(*_load_pem(data, path))
    if len(data) < _LEAST_BYTES:
        raise CommandError(
            f"the signing key {path} has less than {_LEAST_BYTES} bytes; {_ADVICE}", ExitCode.USAGE
        )
    return _Hmac(data)


class _Hmac:
    algorithm = "hmac-sha256"

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, data: bytes) -> str:
        return base64.b64encode(hmac.digest(self._key, data, hashlib.sha256)).decode()

    def verifies(self, data: bytes, signature: str) -> bool:
        return hmac.compare_digest(self.sign(data).encode(), signature.encode())


class _Ed25519:
    algorithm = "ed25519"

    def __init__(self, private: Ed25519PrivateKey | None, public: Ed25519PublicKey) -> None:
        self._private = private
        self._public = public

    def sign(self, data: bytes) -> str:
        if self._private is None:
            raise CommandError(
                "a public key can only verify receipts; sign with the private key", ExitCode.USAGE
            )
        return base64.b64encode(self._private.sign(data)).decode()

    def verifies(self, data: bytes, signature: str) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            self._public.verify(base64.b64decode(signature, validate=True), data)
        except (InvalidSignature, ValueError):
            return False
        return True


def _load_pem(data: bytes, path: Path) -> tuple[Ed25519PrivateKey | None, Ed25519PublicKey]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_pem_public_key,
    )

    try:
        key = (
            load_pem_public_key(data) if b"PUBLIC KEY" in data else load_pem_private_key(data, None)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):  # such as a key with a password
        key = None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key, key.public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        return None, key
    raise CommandError(
        f"{path} is not an Ed25519 key without a password; {_ADVICE}", ExitCode.USAGE
    )
