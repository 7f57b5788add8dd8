"""Words that are one token each, for estimates: long English words, Chinese, Japanese."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import NamedTuple

_MOST = 4  # characters of a Chinese or Japanese word
_COMMON = 1.02  # tokens of a word in the table; a few are cut elsewhere
_RARE = 2.15  # tokens of a character that is not in the table


class CommonWords(NamedTuple):
    """The table, which is read at the first use.

    Attributes:
        english: English words of 8 to 16 letters.
        cjk: Chinese and Japanese words of 1 to 4 characters.

    """

    english: frozenset[str]
    cjk: frozenset[str]


@lru_cache(maxsize=1)
def common_words() -> CommonWords:
    """Return the table."""
    path = resources.files("chatstore.core.tokens") / "common_words.txt"
    english, cjk = path.read_text(encoding="utf-8").splitlines()
    return CommonWords(frozenset(english.split()), frozenset(cjk.split()))


def count_cjk(run: str) -> float:
    """Return the tokens of Chinese or Japanese text: the longest known words, one after another."""
    words = common_words().cjk
    total, start, end = 0.0, 0, len(run)
    while start < end:
        size = min(_MOST, end - start)
        while size > 1 and run[start : start + size] not in words:
            size -= 1
        total += _COMMON if size > 1 or run[start] in words else _RARE
        start += size
    return total
