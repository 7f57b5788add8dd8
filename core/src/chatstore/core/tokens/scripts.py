"""Tokens of words in scripts other than Latin, by the number of their letters.

A word of a few letters is one token; each further letter adds a part of a token. How many depends
on how common the language is in the vocabulary, which letters and short words reveal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple


class Rate(NamedTuple):
    """The tokens of words.

    Attributes:
        letters: The letters of a word that is one token.
        more: The tokens that each further letter adds.

    """

    letters: float
    more: float

    def tokens(self, size: int) -> float:
        """Return the tokens of a word."""
        return 1.0 + max(0.0, size - self.letters) * self.more


_RUSSIAN, _CYRILLIC, _OSSETIC = Rate(3.2, 0.24), Rate(2.4, 0.42), Rate(0.0, 0.85)
_ARABIC, _PERSIAN, _KURDISH = Rate(2.6, 0.29), Rate(2.5, 0.38), Rate(0.0, 0.72)
_HINDI, _INDIC = Rate(2.7, 0.31), Rate(2.0, 0.46)
_KOREAN = Rate(1.0, 0.54)
_OTHERS: dict[str, Rate] = {
    "greek": Rate(2.4, 0.48),
    "hebrew": Rate(2.2, 0.52),
    "caucasian": Rate(2.4, 0.44),
    "thai": Rate(0.0, 0.46),
    "rare": Rate(0.0, 1.2),
    "rarest": Rate(0.0, 2.4),
}
_NOT_RUSSIAN = re.compile("[іїєґўјљњћђџѓќѕәғқңөұүһҷӣӯҳѣ]")
_OSSETIC_LETTER = "ӕ"
_NOT_ARABIC = re.compile("[ەێۆڕڵېۇۈۋڭټډړږښڼ]")
_PERSIAN_LETTERS = re.compile("[پچژگکیےۓٹڈڑ]")
_DEVANAGARI_WORD = re.compile("[\u0900-\u0963]+")
_HINDI_WORDS = frozenset(
    [
        "है",
        "हैं",
        "के",
        "की",
        "का",
        "में",
        "को",
        "से",
        "और",
        "पर",
        "यह",
        "कि",
        "था",
        "थी",
        "थे",
        "नहीं",
        "भी",
    ]
)
_HINDI_SHARE = 0.1  # of the words; 0.02 in Marathi and Nepali


def cyrillic_rate(text: str) -> Rate:
    """Return the rate for Russian or for another language."""
    if _OSSETIC_LETTER in text:
        return _OSSETIC
    if _NOT_RUSSIAN.search(text.lower()):
        return _CYRILLIC
    hard, russian = text.count("ъ"), text.count("ы") + text.count("э")
    return _CYRILLIC if hard > russian else _RUSSIAN  # Bulgarian has no ы


def arabic_rate(text: str) -> Rate:
    """Return the rate for Arabic, for Persian and Urdu, or for another language."""
    if _NOT_ARABIC.search(text):
        return _KURDISH
    return _PERSIAN if _PERSIAN_LETTERS.search(text) else _ARABIC


def indic_rate(text: str) -> Rate:
    """Return the rate for Hindi or for another language of India."""
    words = _DEVANAGARI_WORD.findall(text)
    hindi = sum(word in _HINDI_WORDS for word in words)
    return _HINDI if words and hindi > _HINDI_SHARE * len(words) else _INDIC


def _always(rate: Rate) -> Callable[[str], Rate]:
    return lambda _: rate


SCRIPTS: dict[str, tuple[str, Callable[[str], Rate]]] = {
    "greek": ("\u0370-\u03ff\u1f00-\u1fff", _always(_OTHERS["greek"])),
    "cyrillic": ("\u0400-\u052f", cyrillic_rate),
    "caucasian": ("\u0531-\u0587\u10a0-\u10ff", _always(_OTHERS["caucasian"])),
    "hebrew": ("\u0591-\u05f4", _always(_OTHERS["hebrew"])),
    "arabic": ("\u0610-\u061a\u0620-\u06d3\u06d5-\u06ef\u06fa-\u06ff\u0750-\u077f", arabic_rate),
    "indic": ("\u0900-\u0963\u0966-\u0dff", indic_rate),
    "thai": ("\u0e00-\u0e7f", _always(_OTHERS["thai"])),
    "korean": ("\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f", _always(_KOREAN)),
    "rare": ("\u0250-\u036f\u0e80-\u109f\u1780-\u17ff", _always(_OTHERS["rare"])),
    "rarest": (
        "\u0530\u0588-\u0590\u0700-\u08ff\u1200-\u177f\u1800-\u1eff",
        _always(_OTHERS["rarest"]),
    ),
}
"""For each script, its letters as in a regular expression's brackets, and a text's rate."""
