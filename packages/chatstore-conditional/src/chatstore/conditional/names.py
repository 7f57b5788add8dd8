"""Random names that never repeat, and the ids of stored records.

A conversation's records have ids of at most 64 letters, digits and ``-._``::

    <stream>.<number>            a message, or its first part
    <stream>.<number>.<part>     a further part
    <stream>_.<number>           a node of the index
    <stream>_d.<number>          a long title and metadata of the conversation
    <generation>-<digest>        the marker of a message's id
    seal                         exists while the conversation has messages
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from secrets import token_bytes

SEAL = "seal"


def new_name() -> str:
    """Return 64 random bits as 13 letters and digits.

    They come from the operating system: programs may seed the generator of `random`.
    """
    return b32encode(token_bytes(8)).decode().rstrip("=").lower()


def record_id(stream: str, number: int, part: int = 0) -> str:
    """Return the id of a message's record, or of a further part of it."""
    return f"{stream}.{number:x}" + (f".{part:x}" if part else "")


def node_id(stream: str, number: int) -> str:
    """Return the id of a node of the index."""
    return f"{stream}_.{number:x}"


def details_id(stream: str, number: int) -> str:
    """Return the id of a record with the title and metadata of the conversation."""
    return f"{stream}_d.{number:x}"


def marker_id(generation: str, message_id: str) -> str:
    """Return the id of the marker of a message's id."""
    digest = hashlib.blake2b(message_id.encode(), digest_size=20).hexdigest()
    return f"{generation}-{digest}"
