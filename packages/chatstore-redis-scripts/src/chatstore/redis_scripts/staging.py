"""Records as the arguments of a script, in chunks where one request cannot hold them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from chatstore.core.backend import Record
from chatstore.redis_scripts.layout import seal


def flat(records: Sequence[Record]) -> list[str]:
    """Return ids and sealed bodies, one after the other."""
    return [text for record in records for text in (record.id, seal(record.body))]


def request_bytes(arguments: Sequence[str]) -> int:
    """Return what arguments weigh in a request, at most: as JSON, or in Redis's protocol."""
    return sum(len(json.dumps(text, ensure_ascii=False).encode()) + 16 for text in arguments)


def chunks(arguments: Sequence[str], size: int) -> Iterator[str]:
    """Cut ids and bodies into texts of at most so many bytes of a request."""
    framed = []
    for name, body in zip(arguments[::2], arguments[1::2], strict=True):
        framed.append(f"{len(name.encode())} {len(body.encode())} {name}{body}")
    text = "".join(framed)
    # Characters have up to six bytes in a request (JSON's \\u0000): cut small, add what fits.
    step = max(1, size // 64)
    chunk, weight = "", 0
    for at in range(0, len(text), step):
        piece = text[at : at + step]
        heavy = request_bytes([piece])
        if chunk and weight + heavy > size:
            yield chunk
            chunk, weight = "", 0
        chunk += piece
        weight += heavy
    if chunk:
        yield chunk
