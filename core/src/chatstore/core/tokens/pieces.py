"""Cuts long texts into pieces, each of which is counted once however often it occurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

PIECE_LENGTH = 2048
"""Characters that are counted at a time.

tiktoken's regular expressions fail on long runs of spaces, and their time for a run of letters can
grow with the square of its length.
"""


def pieces_of(text: str) -> Iterator[str]:
    """Yield a text in pieces, cut before a space if possible, which is never inside a token."""
    start = 0
    while len(text) - start > PIECE_LENGTH:
        cut = text.rfind(" ", start + PIECE_LENGTH // 2, start + PIECE_LENGTH)
        end = start + PIECE_LENGTH if cut < 0 else cut
        yield text[start:end]
        start = end
    yield text[start:]


def distinct_pieces(text: str) -> Iterable[tuple[str, int]]:
    """Return the pieces of a text, each with the number of its occurrences."""
    if len(text) <= PIECE_LENGTH:
        return [(text, 1)]
    return Counter(pieces_of(text)).items()
