"""The names of keys in Redis, and the form of bodies.

The keys of a conversation are ``<namespace>:{<conversation's key>}:<part>``, those of an owner's
list ``<namespace>:{<SHA-256 of the owner>}:owned:<part>``. The braces are a hash
tag, so that a cluster stores the parts on one node
(https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/, "Hash tags"). Braces
and percent signs in the conversation's key are percent-encoded.
"""

from __future__ import annotations

import binascii
import hashlib
import os
from dataclasses import dataclass

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


@dataclass(frozen=True)
class KeySpace:
    """The names of the keys of one store's conversations, or of its owners' lists.

    Attributes:
        namespace: The beginning of all keys of the store.
        section: Precedes the names of parts; ``""`` for conversations.

    """

    namespace: str
    section: str = ""

    def keys(self, key: str) -> list[str]:
        """Return the keys of a conversation's parts, in the order that the scripts expect."""
        start = self._start + _quote(key)
        return [f"{start}}}:{self.section}{part}" for part in _PARTS]

    def staged_key(self, key: str, request_id: str) -> str:
        """Return the key of the chunks that a request stages."""
        return f"{self._start}{_quote(key)}}}:{self.section}staged:{request_id}"

    def heads_pattern(self, prefix: str) -> str:
        """Return the SCAN pattern for the heads of all conversations whose keys begin alike."""
        literal = self._start + _quote(prefix)
        for character in "\\*?[]":
            literal = literal.replace(character, f"\\{character}")
        return f"{literal}*}}:{self.section}head"

    def key_of_head(self, head: str) -> str | None:
        """Return the conversation's key from its head's name; ``None`` if it is not a head."""
        quoted = head[len(self._start) : -len(f"}}:{self.section}head")]
        key = quoted.replace("%7B", "{").replace("%7D", "}").replace("%25", "%")
        try:
            check_key(key)
        except InvalidKeyError:
            return None
        return key if _quote(key) == quoted else None

    @property
    def _start(self) -> str:
        return f"{self.namespace}:{{"


def slot_of(key: str) -> int:
    """Return the slot of a conversation in a cluster.

    https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
    """
    return binascii.crc_hqx(_quote(key).encode(), 0) % 16384


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


def _quote(key: str) -> str:
    return key.replace("%", "%25").replace("{", "%7B").replace("}", "%7D")
