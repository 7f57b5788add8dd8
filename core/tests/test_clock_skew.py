"""A service's time shows whether this machine's clock is wrong."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from chatstore.core.backend import describe_clock_skew


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, ""),
        (235, ""),
        (-235, ""),
        (250, "by about 4 minutes"),
        (1020, "by about 17 minutes"),
        (-1020, "by about 17 minutes"),
    ],
)
def test_a_difference_above_the_tolerance_is_described(
    seconds: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)

    date = formatdate(1_700_000_000 + seconds, usegmt=True)

    assert describe_clock_skew(date, tolerance=240) == words


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 99 Foo 2020", "1 2 3 4 5 6"])
def test_without_a_time_nothing_is_known(date: str | None) -> None:
    assert describe_clock_skew(date, tolerance=240) == ""
