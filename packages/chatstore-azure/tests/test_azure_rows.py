"""Row keys sort as the numbers of records do, and ranges contain few other rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstore.azure.rows import id_of, row_of, row_ranges

NUMBERS = st.integers(0, 2**60)
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=64)


@given(NUMBERS, NUMBERS)
def test_rows_sort_as_numbers(one: int, other: int) -> None:
    assert (row_of(f"run.{one:x}") < row_of(f"run.{other:x}")) == (one < other)
    assert (row_of(f"run.{one:x}.1") < row_of(f"run.{other:x}")) == (one < other)


@given(LETTERS)
def test_ids_come_back(record_id: str) -> None:
    assert id_of(row_of(record_id)) == record_id


def rows_in(first: str, last: str, count: int) -> list[int]:
    return [number for number in range(count) if first <= row_of(f"run.{number:x}") <= last]


@pytest.mark.parametrize("first", [0, 3, 14, 250, 4_000, 65_530])
def test_a_range_has_only_the_records_of_a_page(first: int) -> None:
    [result] = row_ranges(f"run.{number:x}" for number in range(first, first + 20))
    assert rows_in(*result, 70_000) == list(range(first, first + 20))


def test_records_that_are_far_apart_are_ranges_of_their_own() -> None:
    ids = [f"run.{number:x}" for number in range(0, 70_000, 1_000)]
    assert [result.first for result in row_ranges(ids)] == [row_of(name) for name in ids]
    assert all(result.first == result.last for result in row_ranges(ids))


def test_runs_and_names_are_apart() -> None:
    ids = ["a.1", "a.2", "a_.1", "b.3", "b.3.1", "g-0f", "g-10", "seal"]
    ranges = [(id_of(first), id_of(last)) for first, last in row_ranges(ids)]
    names = [("g-0f", "g-0f"), ("g-10", "g-10"), ("seal", "seal")]
    assert sorted(ranges) == [("a.1", "a.2"), ("a_.1", "a_.1"), ("b.3", "b.3.1"), *names]
