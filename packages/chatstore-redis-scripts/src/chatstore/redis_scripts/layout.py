"""The names of keys in Redis, and the form of bodies.

The keys of a conversation are ``<namespace>:{<conversation's key>}:<part>``. The braces are a hash
tag, so that a cluster stores the parts on one node
(https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/, "Hash tags"). Braces
and percent signs in the conversation's key are percent-encoded.
"""

from __future__ import annotations

import hashlib
import os

from chatstore.core import InvalidArgumentError, InvalidKeyError
from chatstore.core.checks import check_key, check_prefix

_PARTS = ("head", "order", "bodies", "requests0", "requests1")
SEAL = 12
"""The hexadecimal digits of the checksum that follows each body."""


def check_namespace(namespace: str) -> str:
    """Return a namespace that can be put before a hash tag.

    Raises:
        InvalidArgumentError: ``namespace`` is not a string, is empty, or contains a brace or a
            lone surrogate.

    """
    if not isinstance(namespace, str) or not namespace or set(namespace) & {"{", "}"}:
        raise InvalidArgumentError(
            "namespace must be a string that is not empty and does not contain { or }"
        )
    return check_prefix(namespace)


def conversation_keys(namespace: str, key: str) -> list[str]:
    """Return the keys of a conversation's parts, in the order that the scripts expect."""
    start = _start(namespace) + _quote(key)
    return [f"{start}}}:{part}" for part in _PARTS]


def staged_key(namespace: str, key: str, request_id: str) -> str:
    """Return the key of the chunks that a request stages."""
    return f"{_start(namespace)}{_quote(key)}}}:staged:{request_id}"


def heads_pattern(namespace: str, prefix: str) -> str:
    """Return the SCAN pattern for the heads of all conversations whose keys begin with a prefix."""
    literal = _start(namespace) + _quote(prefix)
    for character in "\\*?[]":
        literal = literal.replace(character, f"\\{character}")
    return literal + "*}:head"


def key_of_head(namespace: str, head: str) -> str | None:
    """Return the conversation's key from the name of its head; ``None`` if it is not a head."""
    quoted = head[len(_start(namespace)) : -len("}:head")]
    key = quoted.replace("%7B", "{").replace("%7D", "}").replace("%25", "%")
    try:
        check_key(key)
    except InvalidKeyError:
        return None
    return key if _quote(key) == quoted else None


def new_request_id() -> str:
    """Return a random request id, from the system's random source."""
    return os.urandom(8).hex()


def seal(body: str) -> str:
    """Return a body as it is stored: with a checksum that a script can verify."""
    # against accidents: removing a message must not lose a damaged body
    return body + hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest()[:SEAL]


def unseal(stored: str | None) -> str:
    """Return the body without its checksum; it may be damaged."""
    return "" if stored is None else stored[:-SEAL]


def _start(namespace: str) -> str:
    return f"{namespace}:{{"


def _quote(key: str) -> str:
    return key.replace("%", "%25").replace("{", "%7B").replace("}", "%7D")
