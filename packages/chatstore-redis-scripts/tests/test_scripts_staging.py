"""Writes that are cut into chunks."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatstore.core.backend import Record
from chatstore.redis_scripts.staging import chunks, flat, request_bytes

RECORDS = st.lists(
    st.builds(Record, st.text("a1é", min_size=1), st.text("x\0é🙂\\ 12")), min_size=1, max_size=8
)
FRAME = re.compile(rb"(\d+) (\d+) ")


def unframed(text: str) -> Any:
    """Return ids and bodies, as the scripts read them."""
    rest, found = text.encode(), []
    while rest:
        frame = FRAME.match(rest)
        name, body = map(int, frame.groups())
        start = frame.end()
        found += [rest[start : start + name], rest[start + name : start + name + body]]
        rest = rest[start + name + body :]
    return [part.decode() for part in found]


@given(RECORDS, st.integers(100, 500))
def test_chunks_hold_everything_and_keep_the_limit(records: Any, size: Any) -> None:
    arguments = flat(records)
    pieces = list(chunks(arguments, size))
    assert unframed("".join(pieces)) == arguments
    assert all(request_bytes([piece]) <= size for piece in pieces)
    assert all(pieces)
