"""What is stored instead of a plain text: an envelope in JSON.

``{"v":"sealed-1","key":KEY_ID,"id":MESSAGE_ID,"data":BASE64}``: a nonce of 12 random bytes and the
AES-256-GCM ciphertext with its tag. The associated data are the kind of text, the conversation's
key as it is stored, the key's id and the message's id: a ciphertext that was moved or renamed
cannot be decrypted.

Nonces are random, so a key may encrypt about 2**32 messages (NIST SP 800-38D, section 8.3).
"""

from __future__ import annotations

import os
from base64 import b64encode
from binascii import Error, a2b_base64
from typing import NamedTuple

from pydantic_core import from_json, to_json

from chatstore.encryption.keys import KeyRing, decrypt

_PREFIX = '{"v":"sealed-1",'
_NONCE_BYTES = 12


class Envelope(NamedTuple):
    """A parsed envelope.

    Attributes:
        key_id: The id of the key.
        message_id: The id of the message; ``""`` for a conversation's record.
        sealed: The nonce and the ciphertext; empty if they are damaged.

    """

    key_id: str
    message_id: str
    sealed: bytes


def seal(ring: KeyRing, key_id: str, place: tuple[str, str, str], text: str) -> str:
    """Return the envelope of a text.

    Args:
        ring: Has the key.
        key_id: The id of the key.
        place: The kind of text, the conversation's key as it is stored, and the message's id.
        text: The text.

    """
    nonce = os.urandom(_NONCE_BYTES)
    sealed = ring.cipher(key_id).encrypt(nonce, text.encode(), _associated(place, key_id))
    data = b64encode(nonce + sealed).decode()
    message_id = to_json(place[2]).decode()
    return f'{_PREFIX}"key":"{key_id}","id":{message_id},"data":"{data}"}}'


def is_envelope(text: str) -> bool:
    """Return whether a stored text is an envelope, and not plain or foreign."""
    return text.startswith(_PREFIX)


def parse(text: str) -> Envelope | None:
    """Return the parts of an envelope; ``None``: it is damaged."""
    try:
        fields = from_json(text)
        key_id, message_id, data = fields["key"], fields["id"], fields["data"]
        if not (isinstance(key_id, str) and isinstance(message_id, str)):
            return None
        return Envelope(key_id, message_id, a2b_base64(data))
    except (ValueError, KeyError, TypeError, Error):
        return None


def open_envelope(ring: KeyRing, envelope: Envelope, kind: str, key: str) -> str:
    """Return the text of an envelope.

    Args:
        ring: Has the key.
        envelope: The envelope.
        kind: The kind of text.
        key: The conversation's key as it is stored.

    Raises:
        DecryptionError: The key is missing or wrong, or the envelope was changed or moved.

    """
    associated = _associated((kind, key, envelope.message_id), envelope.key_id)
    cipher = ring.cipher(envelope.key_id)
    return decrypt(cipher, envelope.sealed, associated, envelope.key_id).decode()


def _associated(place: tuple[str, str, str], key_id: str) -> bytes:
    return to_json((*place, key_id))
