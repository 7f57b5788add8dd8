"""The choice of where a window starts, so that the start moves rarely.

A provider's prompt cache hits as long as a request begins like the one before. So a window keeps
its start for many turns and then jumps. Nothing is stored: every possible start has a *rank*, which
depends on positions only, and the window starts at the highest rank among the starts that fill it
well. The rank of a start is the largest power of two that has a multiple between the start before
it and itself. As on a ruler, marks of high rank are rare and far apart: a start is kept until it no
longer fits, or until one of higher rank fills the window well enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

LEAST_FILL = 0.6
"""The least part of the limit that a window uses if more messages would fit."""


class Start(NamedTuple):
    """A possible start of a window.

    Attributes:
        tokens: The tokens of the window that begins here.
        rank: The higher, the rarer.

    """

    tokens: int
    rank: int


def rank(previous: int, position: int) -> int:
    """Return the exponent of the largest power of two with a multiple in (previous, position]."""
    return (previous ^ position).bit_length() if position > previous else 0


def choose_steady(starts: Sequence[Start], least: int) -> int | None:
    """Return the index of the highest rank among the starts with at least ``least`` tokens.

    Of equal ranks, the fullest window is chosen. ``None``: no window has that many tokens.
    """
    full = [(start.rank, start.tokens, index) for index, start in enumerate(starts)]
    return max((entry for entry in full if entry[1] >= least), default=(0, 0, None))[2]
