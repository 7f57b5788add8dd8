r"""Keys as values of the partition key, and ids of items: any text as plain ASCII.

An id must not contain ``/ \ ? #``, has at most 1,023 bytes, and should be alphanumeric, since some
tools fail on other ids (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
Every byte except letters, digits, ``-``, ``_`` and ``.`` is written as ``=`` and two hexadecimal
digits. Prefixes are preserved: the encoded key begins with the encoded prefix.
"""

from __future__ import annotations

import re

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
_ESCAPED = re.compile(rb"=([0-9A-F]{2})")


def encode(text: str) -> str:
    """Return the text as ASCII of at most three times its bytes in UTF-8."""
    return "".join(chr(b) if b in _PLAIN else f"={b:02X}" for b in text.encode())


def decode(name: str) -> str:
    """Return the text that `encode` encoded.

    Raises:
        ValueError: `encode` does not return this name for any text.

    """
    text = _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), name.encode()).decode()
    if encode(text) != name:
        raise ValueError("not an encoded name")
    return text
