"""Languages in Latin letters: English, those that the vocabulary covers well, and others.

Short words reveal the language: they are a sixth or more of a text.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class LatinRate(NamedTuple):
    """The letters of a token.

    Attributes:
        plain: In words of the letters a to z.
        accented: In words with other letters.

    """

    plain: float
    accented: float


_COVERED, _OTHER = LatinRate(4.0, 3.0), LatinRate(2.85, 2.25)
_PROSE_WORD = re.compile(r"(?<= )[A-Za-z\u00c0-\u024f]+(?= )")
_PROSE_LENGTH, _SHORT_TEXT = 6, 20  # words that make a text prose; words that tell the language
_ENGLISH_SHARE, _COVERED_SHARE = 0.1, 0.14
_ENGLISH_WORDS = (
    "the and of that with for you this are have has not was it what can "
    "your will would please from they there my be or how but i we"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_COVERED_WORDS = [
    frozenset(words.split())
    for words in (
        "der die das und nicht ist eine einen mit für auf wird werden sie zu den dem von ein ich",
        "les des est une pour dans pas vous sur du et que ne le ou je nous cette",
        "los las para por con una el que en y no es si más",
        "para uma não com os do da em que ou um é ao",
        "het een van niet voor dat zijn met op te worden is ik",
        "yang dan untuk ini dengan di tidak dari dalam atau adalah anda kami saya",
    )
]
"""Of German, French, Spanish, Portuguese, Dutch and Indonesian."""
_OTHER_WORDS = frozenset(["amb", "els", "dels", "és", "però", "nie", "vir", "wat", "hierdie"])
"""Of Catalan and Afrikaans, which resemble Spanish and Dutch."""


def latin_rate(text: str) -> LatinRate | None:
    """Return the rate of a text's words; ``None`` for English and for what is not prose."""
    words = [word.lower() for word in _PROSE_WORD.findall(text)]
    if len(words) < _PROSE_LENGTH or _share(words, _ENGLISH) > _ENGLISH_SHARE:
        return None
    if len(words) < _SHORT_TEXT or not _OTHER_WORDS.isdisjoint(words):
        return _OTHER
    share = max(_share(words, known) for known in _COVERED_WORDS)
    return _COVERED if share > _COVERED_SHARE else _OTHER


def _share(words: list[str], known: frozenset[str]) -> float:
    return sum(word in known for word in words) / len(words)
