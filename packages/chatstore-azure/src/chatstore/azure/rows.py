"""Row keys of records: those of consecutive records are adjacent.

An id such as ``run.number`` or ``run.number.part`` has a hexadecimal number without leading zeros.
Its row key has a letter for the length of the number before it, so that row keys sort as numbers
do: otherwise a range from 2 to 3 would contain 20 to 2f, and 200 to 2ff.
"""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase
from typing import NamedTuple

_RECORD = "r"
_MAX_GAP = 16  # numbers of missing or other records within a range


class RowRange(NamedTuple):
    """The rows from ``first`` to ``last``."""

    first: str
    last: str


def row_of(record_id: str) -> str:
    """Return the row key of a record."""
    run, dot, rest = record_id.partition(".")
    return _RECORD + run + dot + (_length_of(rest.partition(".")[0]) + rest if dot else "")


def id_of(row: str) -> str:
    """Return the id of the record that `row_of` returned a row key for."""
    run, dot, rest = row.removeprefix(_RECORD).partition(".")
    return run + dot + rest[1:]


def row_ranges(record_ids: Iterable[str]) -> list[RowRange]:
    """Return ranges that contain the rows of some records, and few others."""
    ranges: list[RowRange] = []
    end: tuple[str, int] | None = None
    for row in sorted(map(row_of, record_ids)):
        place = _place_of(row)
        is_near = place and end and place[0] == end[0] and place[1] - end[1] <= _MAX_GAP
        if is_near:
            ranges[-1] = ranges[-1]._replace(last=row)
        else:
            ranges.append(RowRange(row, row))
        end = place
    return ranges


def _length_of(number: str) -> str:
    return ascii_lowercase[min(max(1, len(number)), len(ascii_lowercase)) - 1]


def _place_of(row: str) -> tuple[str, int] | None:
    """Return the run and the number of a row; ``None`` if it has none."""
    run, _, rest = row.partition(".")
    try:
        return run, int(rest[1:].partition(".")[0], 16)
    except ValueError:
        return None
