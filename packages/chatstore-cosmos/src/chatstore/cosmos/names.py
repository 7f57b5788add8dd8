r"""Keys as values of the partition key, and ids of items: any text as plain ASCII.

An id must not hold ``/ \ ? #`` and has at most 1,023 bytes
(https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits), and is advised to be
alphanumeric, since several tools fail on others. So each byte that is no letter, digit, ``-``,
``_`` or ``.`` is written ``=`` and two hexadecimal digits. Beginnings stay beginnings: what begins
with a prefix begins with the encoded prefix.
"""

from __future__ import annotations

import re

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
_ESCAPED = re.compile(rb"=([0-9A-F]{2})")


def encode(text: str) -> str:
    """Return the text as ASCII of at most three times its bytes in UTF-8."""
    return "".join(chr(b) if b in _PLAIN else f"={b:02X}" for b in text.encode())


def decode(name: str) -> str:
    """Return what `encode` was given.

    Raises:
        ValueError: It was given nothing that gives this name.

    """
    text = _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), name.encode()).decode()
    if encode(text) != name:
        raise ValueError("this is no encoded name")
    return text
