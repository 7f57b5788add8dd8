"""The time of an estimate grows linearly with the length of any text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from processor_time import seconds

from chatstore.core import TokenCounter
from chatstore.core.tokens.estimate import estimate_tokens

SMALL, TIMES = 4_000, 16
# Sixteen times the text takes about sixteen times as long; 256 times if it were quadratic.
MOST = 64


def repeat(unit: str) -> Callable[[int], str]:
    """Return a maker of texts of a length."""
    return lambda size: (unit * (size // len(unit) + 1))[:size]


TEXTS = {
    "paths": repeat("a/b/"),
    "hexadecimal digits": repeat("0f3a9c27b1d8e645"),
    "hexadecimal capitals": repeat("0F3A9C27B1D8E645"),
    "base64": repeat("aB3/x+Z9"),
    "base64 without digits": repeat("aBcDeF/+"),
    "base64 of small letters": repeat("abc0/+"),
    "letters": repeat("a"),
    "capitals": repeat("A"),
    "mixed case": repeat("aA"),
    "capitals before a small letter": lambda size: "A" * (size - 1) + "a",
    "consonants": repeat("xkcd"),
    "letters before an accent": lambda size: "a" * (size - 1) + "é",
    "accents between letters": repeat("aé"),
    "combining marks": repeat("e\u0301"),
    "marks only": repeat("\u0301"),
    "digits": repeat("1"),
    "digits and blanks": repeat("1 "),
    "blanks": repeat(" "),
    "line ends": repeat("\r\n"),
    "strange blanks": repeat("\u2028\u00a0"),
    "blanks before a digit": lambda size: " " * (size - 1) + "1",
    "punctuation": repeat("=-_"),
    "emoji": repeat("👩\u200d🚀"),
    "chinese": repeat("漢字"),
    "controls": repeat("\x00\x1f"),
    "alternating classes": repeat("a1 =éÄ漢\n"),
    "pairs of classes": repeat("a1"),
    "english": repeat("the and of that "),
    "json": repeat('{"a":[1,"b"],'),
    "open brackets": repeat("[" * 30 + "a"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_time_grows_with_the_text(name: str) -> None:
    make = TEXTS[name]

    small, large = make(SMALL), make(SMALL * TIMES)
    ratio = seconds(lambda: estimate_tokens(large)) / seconds(lambda: estimate_tokens(small))
    assert ratio < MOST


def nested(depth: int) -> object:
    """Return lists in lists."""
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


VALUES: dict[str, Callable[[int], object]] = {
    "a data URL": lambda size: "data:image/png;base64," + "A" * size,
    "a data URL with blanks": lambda size: "data:," + "a " * size,
    "commas": lambda size: "data:" + "," * size,
    "base64 in a field": lambda size: {"type": "image", "data": "A" * size},
    "a long media type": lambda size: {
        "type": "file",
        "media_type": "application/" + "+" * size,
        "data": "A" * 100,
    },
    "many names": lambda size: {f"name {n}": n for n in range(size)},
    "deep": nested,
    "media": lambda size: [{"type": "image", "data": "A" * 100}] * size,
}


@pytest.mark.parametrize("name", VALUES)
def test_time_grows_with_the_json(name: str) -> None:
    make, counter = VALUES[name], TokenCounter(lambda _: [])
    small, large = make(SMALL), make(SMALL * TIMES)

    ratio = seconds(lambda: counter.count_json(large)) / seconds(lambda: counter.count_json(small))
    assert ratio < MOST
