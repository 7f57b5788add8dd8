"""Keys that are made of several names, such as an application, a user and a session."""

from __future__ import annotations

import hashlib

from chatstore.core.checks import MAX_KEY_BYTES, check_key
from chatstore.core.errors import InvalidKeyError

_ESCAPES = str.maketrans({"%": "%25", "/": "%2F", "~": "%7E"})


def join_key(*names: str) -> str:
    """Return a key that no other names give: the names, escaped, with ``/`` between them.

    ``join_key("a/b")`` is ``"a%2Fb"``, so it does not begin with ``"a/"``. If the key had more than
    255 bytes, the longest name is replaced by ``~`` and its SHA-256 digest, then the next one. So
    store the names themselves, too, if they are needed.

    Raises:
        InvalidKeyError: There are no names, one of them is empty or not Unicode, or they are too
            many for one key.

    """
    if not all(names):
        raise InvalidKeyError("each name in a key must have at least one character")
    escaped = [name.translate(_ESCAPES) for name in names]
    for index in sorted(range(len(names)), key=lambda index: -len(escaped[index])):
        if len("/".join(escaped).encode("utf-8", "replace")) <= MAX_KEY_BYTES:
            break
        digest = hashlib.sha256(names[index].encode("utf-8", "surrogatepass")).hexdigest()
        escaped[index] = f"~{digest}"
    return check_key("/".join(escaped))
