"""Records as the arguments of a script, in chunks if one request cannot hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic_core import to_json

from chatstore.core.backend import Record
from chatstore.redis_scripts.layout import seal


def flatten(records: Sequence[Record]) -> list[str]:
    """Return ids and sealed bodies, alternately."""
    return [text for record in records for text in (record.id, seal(record.body))]


def request_bytes(arguments: Sequence[str]) -> int:
    """Return the most bytes that arguments take in a request, as JSON or in Redis's protocol."""
    return len(to_json(arguments)) + 16 * len(arguments)


def chunks(arguments: Sequence[str], size: int) -> Iterator[str]:
    """Cut ids and bodies into texts of at most ``size`` bytes of a request."""
    framed = []
    for id_, body in zip(arguments[::2], arguments[1::2], strict=True):
        framed.append(f"{len(id_.encode())} {len(body.encode())} {id_}{body}")
    text = "".join(framed)
    # A character has up to six bytes in a request (JSON's \\u0000): cut small, add what fits.
    step = max(1, size // 64)
    chunk, chunk_bytes = "", 0
    for start in range(0, len(text), step):
        piece = text[start : start + step]
        piece_bytes = request_bytes([piece])
        if chunk and chunk_bytes + piece_bytes > size:
            yield chunk
            chunk, chunk_bytes = "", 0
        chunk += piece
        chunk_bytes += piece_bytes
    if chunk:
        yield chunk
