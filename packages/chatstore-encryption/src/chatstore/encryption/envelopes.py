"""What is stored instead of a plain text: an envelope in JSON.

``{"v":"sealed-1","key":"KEY_ID","id":"MESSAGE_ID","data":"BASE64"}``: a nonce of 12 random bytes
and the AES-256-GCM ciphertext with its tag. The associated data are the kind of text, the
conversation's key as it is stored, and the envelope's text in front of the data: a ciphertext that
was moved or renamed cannot be decrypted.

Nonces are random, so a key may encrypt about 2**32 messages (NIST SP 800-38D, section 8.3).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from pybase64 import b64decode, b64encode_as_string
from pydantic_core import to_json

from chatstore.encryption.errors import DecryptionError
from chatstore.encryption.keys import NONCE_BYTES, Keys, changed

MESSAGE = "message"
RECORD = "record"

_MARK = '{"v":"sealed-1",'
_KEY = _MARK + '"key":"'
_ID = '","id":"'
_DATA = '","data":"'  # an id cannot contain it: JSON escapes quotes
_END = '"}'
_DATA_BEGIN, _END_LENGTH = len(_DATA), len(_END)


def is_envelope(text: str) -> bool:
    """Return whether a stored text is an envelope, and not plain or foreign."""
    return text.startswith(_MARK)


def key_id_of(text: str) -> str | None:
    """Return the id of an envelope's key; ``None``: the text is plain, or a damaged envelope."""
    return None if (parts := _divide(text)) is None else parts[0]


class Sealer:
    """Encrypts and decrypts texts of one kind in one conversation.

    An envelope has a fixed form, so it is divided without parsing it as JSON: a window decrypts
    some dozens of messages, and this took a third of the time.
    """

    def __init__(self, keys: Keys, kind: str, key: str) -> None:
        """Take what all texts have in common.

        Args:
            keys: Have the ciphers.
            kind: `MESSAGE` or `RECORD`.
            key: The conversation's key as it is stored.

        """
        self._keys = keys
        self._place = to_json((kind, key))

    def seal(self, key_id: str, message_id: str, text: str) -> str:
        """Return the envelope of a text.

        Args:
            key_id: The id of the key that encrypts.
            message_id: The id of the message; ``""`` for a conversation's record.
            text: The text.

        """
        head = f"{_KEY}{key_id}{_ID}{to_json(message_id).decode()[1:-1]}"
        nonce = os.urandom(NONCE_BYTES)
        cipher = self._keys.cipher(key_id)
        sealed = cipher.encrypt(nonce, text.encode(), self._place + head.encode())
        return head + _DATA + b64encode_as_string(nonce + sealed) + _END

    def open(self, text: str, message_id: str | None = None) -> str | None:
        """Return the text of an envelope; ``None``: it is not an envelope, or a damaged one.

        Args:
            text: The envelope.
            message_id: The id that the envelope must have; ``None``: any.

        Raises:
            DecryptionError: The key is missing or wrong, or the envelope was changed or moved.

        """
        if message_id is not None and (parts := _divide(text)) is not None:
            key_id, end = parts
            if text[text.index(_ID) + len(_ID) : end] != to_json(message_id).decode()[1:-1]:
                raise DecryptionError(
                    f"the ciphertext of message {message_id!r} belongs to another message", key_id
                )
        return self.open_all([text])[0]

    def open_all(self, texts: Sequence[str]) -> list[str | None]:
        """Return the texts of envelopes, as `open` does."""
        place, results = self._place, list[str | None]()
        key_id, begin, cipher = "", "", None  # of the envelope before, mostly the same
        for text in texts:
            end = text.find(_DATA)
            if cipher is None or not text.startswith(begin):
                parts = _divide(text)
                if parts is None:
                    results.append(None)
                    continue
                key_id, end = parts
                begin, cipher = f"{_KEY}{key_id}{_ID}", self._keys.cipher(key_id)
            try:
                sealed = b64decode(text[end + _DATA_BEGIN : -_END_LENGTH])
                associated = place + text[:end].encode()
                plain = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
            except Exception:  # noqa: BLE001 - cryptography is not imported before the first key
                raise changed(key_id) from None
            results.append(plain.decode())
        return results


def check_ids(texts: Sequence[str]) -> None:
    """Refuse envelopes that were read together and have the same id.

    Raises:
        DecryptionError: One of them was copied over another one.

    """
    heads = [text[: text.find(_DATA)] for text in texts if text.startswith(_KEY)]
    if len(heads) < 2:
        return
    begin = heads[0][: heads[0].find(_ID) + len(_ID)]
    if not all(head.startswith(begin) for head in heads):
        heads = [head[head.find(_ID) :] for head in heads]
    if len(set(heads)) < len(heads):
        raise DecryptionError(
            "one message was copied over another one: two ciphertexts have the same id",
            key_id_of(texts[0]),
        )


def _divide(text: str) -> tuple[str, int] | None:
    """Return the id of the key, and where the data begin."""
    end = text.find(_DATA)
    middle = text.find(_ID, len(_KEY), end)
    if middle < 0 or not text.startswith(_KEY) or not text.endswith(_END):
        return None
    return text[len(_KEY) : middle], end
