"""Writes that are cut into chunks."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from chatstore.core.backend import Record
from chatstore.redis_scripts.staging import chunks, flatten, request_bytes

RECORDS = st.lists(
    st.builds(Record, st.text("a1é", min_size=1), st.text("x\0é🙂\\ 12")), min_size=1, max_size=8
)
FRAME = re.compile(rb"(\d+) (\d+) ")


def unframed(text: str) -> list[str]:
    """Return ids and bodies, as the scripts read them."""
    rest, parts = text.encode(), []
    while rest:
        frame = FRAME.match(rest)
        assert frame is not None
        id_size, body_size = map(int, frame.groups())
        start = frame.end()
        body_start = start + id_size
        end = body_start + body_size
        parts += [rest[start:body_start], rest[body_start:end]]
        rest = rest[end:]
    return [part.decode() for part in parts]


@given(RECORDS, st.integers(100, 500))
def test_chunks_hold_everything_and_keep_the_limit(records: list[Record], size: int) -> None:
    arguments = flatten(records)
    pieces = list(chunks(arguments, size))
    assert unframed("".join(pieces)) == arguments
    assert all(request_bytes([piece]) <= size for piece in pieces)
    assert all(pieces)
