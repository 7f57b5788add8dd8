r"""Keys as values of PartitionKey: any text as plain ASCII, of at most 512 characters.

PartitionKey and RowKey have at most 1 KiB, which is 512 characters, and hold none of ``/ \ # ?``
nor controls
(https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model).
So each byte that is no letter, digit, ``-``, ``_`` or ``.`` is written with two characters, of
which the first tells its upper two bits: a key of 255 bytes has 510 at most. Beginnings stay
beginnings: what begins with a prefix begins with the encoded prefix.
"""

from __future__ import annotations

_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_AS_IT_IS = frozenset(_PLAIN.encode() + b".")
_ESCAPES = "=!@:"
_AFTER_ALL = "~"  # greater than every character that is used
_VALUES = {letter: value for value, letter in enumerate(_PLAIN)}


def encode(text: str) -> str:
    """Return the text as ASCII of at most twice its bytes in UTF-8."""
    return "".join(
        chr(byte) if byte in _AS_IT_IS else _ESCAPES[byte >> 6] + _PLAIN[byte & 63]
        for byte in text.encode()
    )


def decode(name: str) -> str:
    """Return what `encode` was given.

    Raises:
        ValueError: It was given nothing that gives this name.

    """
    data = bytearray()
    letters = iter(name)
    for letter in letters:
        upper = _ESCAPES.find(letter)
        if upper < 0:
            data.append(ord(letter) & 0xFF)
        else:
            data.append(upper << 6 | _VALUES.get(next(letters, ""), 0))
    text = data.decode()
    if encode(text) != name:
        raise ValueError("this is no encoded name")
    return text


def partition_filter(prefix: str) -> str:
    """Return the OData filter of the partitions whose keys begin with a prefix."""
    if not prefix:
        return ""
    name = encode(prefix)
    return f"PartitionKey ge '{name}' and PartitionKey lt '{name}{_AFTER_ALL}'"
