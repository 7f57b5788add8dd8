r"""Keys as values of PartitionKey: any text as plain ASCII, of at most 512 characters.

PartitionKey and RowKey have at most 1 KiB, which is 512 characters, and must not contain
``/ \ # ?`` or control characters
(https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model).
Every byte except letters, digits, ``-``, ``_`` and ``.`` is written as two characters, the first of
which says its upper two bits, so a key of 255 bytes has at most 510 characters. Prefixes are
preserved: the encoded key begins with the encoded prefix.
"""

from __future__ import annotations

from typing import NamedTuple

_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_UNCHANGED = frozenset(_PLAIN.encode() + b".")
_ESCAPES = "=!@:"
_LAST = "~"  # greater than every character of an encoded key
_VALUES = {letter: value for value, letter in enumerate(_PLAIN)}


def encode(text: str) -> str:
    """Return the text as ASCII of at most twice its bytes in UTF-8."""
    return "".join(
        chr(byte) if byte in _UNCHANGED else _ESCAPES[byte >> 6] + _PLAIN[byte & 63]
        for byte in text.encode()
    )


def decode(name: str) -> str:
    """Return the text that `encode` encoded.

    Raises:
        ValueError: `encode` does not return this name for any text.

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
        raise ValueError("not an encoded name")
    return text


class KeySpace(NamedTuple):
    """Keys of one kind: their partitions are apart from those of all other kinds.

    Attributes:
        mark: What each of their names begins with, and no name of another kind.

    """

    mark: str

    def name_of(self, key: str) -> str:
        """Return the PartitionKey of a key."""
        return self.mark + encode(key)

    def key_of(self, name: str) -> str:
        """Return the key of a PartitionKey.

        Raises:
            ValueError: It is not one of this kind.

        """
        if not name.startswith(self.mark):
            raise ValueError("not a name of this kind of key")
        return decode(name.removeprefix(self.mark))

    def filter_of(self, prefix: str) -> str:
        """Return the OData filter of the partitions whose keys begin with ``prefix``."""
        name = self.name_of(prefix)
        upper = f"PartitionKey lt '{name}{_LAST}'"
        return f"PartitionKey ge '{name}' and {upper}" if name else upper


CONVERSATIONS = KeySpace("")
LISTS = KeySpace(_LAST)
