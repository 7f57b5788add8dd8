"""Estimates the tokens of ``o200k_base`` without its vocabulary, more likely too high than too low.

tiktoken splits text into words, numbers of up to three digits, and runs of punctuation and of
white space before it merges bytes. The estimate splits in the same way and weighs each piece. The
weights were fitted to tiktoken 0.14 on conversations, JSON, code, and translations into 90
languages; `docs/token-counts.md` states the error for each kind of text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial

from chatstore.core.tokens.common_words import common_words, count_cjk
from chatstore.core.tokens.latin import latin_rate
from chatstore.core.tokens.pieces import distinct_pieces
from chatstore.core.tokens.scripts import SCRIPTS

_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_CJK = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# A long run may be base64. Each piece is matched once, by expressions that look at most one
# character ahead: the time is linear in the length of any text.
_RUN = re.compile(r"(?P<run>[A-Za-z0-9+/]{24,})")
_PLAIN_PIECE = "|".join(
    [
        r" ?(?P<word>[A-Za-z]+(?![\u00c0-\u024f\u1e00-\u1eff]))",
        f" ?(?P<accented>[{_LATIN}]+)",
        r"(?P<number>[0-9]+)",
        r" ?(?P<mark>[!-/:-@\[-`{-~]+)[\r\n]*",
        r"(?P<blank>\s+)",
        f"(?P<cjk>[{_CJK}]+)",
        *(f" ?(?P<{name}>[{letters}]+)" for name, (letters, _) in SCRIPTS.items()),
        r"(?P<symbols>[^\x00-\x7f])",
        r"(?P<control>.)",
    ]
)
_PIECE = re.compile(f"{_RUN.pattern}|{_PLAIN_PIECE}", re.DOTALL)
_PIECE_OF_RUN = re.compile(_PLAIN_PIECE, re.DOTALL)
_FRAME = frozenset("\"'()[]{}<>,:;=/")
_DIGIT, _SMALL, _CAPITAL = re.compile("[0-9]"), re.compile("[a-z]"), re.compile("[A-Z]")
_HEXADECIMAL = re.compile("[0-9a-f]+|[0-9A-F]+")
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SAME = re.compile(r"(.)\1*", re.DOTALL)
_VOWEL = re.compile("[aeiouyAEIOUY]")
_MARGIN = 1.03  # so that few texts are estimated too low
_CACHE_SIZE = 4096  # words, and runs of punctuation
_SHORT_WORD = 7  # letters of an English word that is usually one token
_Weigh = Callable[[str], float]


def estimate_tokens(text: str) -> int:
    """Return an estimate of the tokens of a text, in linear time."""
    total = sum(_estimate(piece) * times for piece, times in distinct_pieces(text))
    return int(_MARGIN * total + 0.999)


def _estimate(text: str) -> float:
    weights: dict[str, _Weigh] = dict(_WEIGHTS)
    rate = latin_rate(text)
    if rate is not None:
        weights["word"] = partial(_foreign, rate.plain)
        weights["accented"] = partial(_accented, rate.accented)
    total = 0.0
    for piece in _PIECE.finditer(text):
        kind = piece.lastgroup or ""
        if kind == "run":
            total += _run(text, piece, weights)
        elif kind == "blank":
            total += _blank(piece)
        else:
            weigh = weights.get(kind)
            if weigh is None:
                tokens = SCRIPTS[kind][1](text).tokens
                weigh = weights[kind] = partial(_letters, tokens)
            total += weigh(piece[kind])
    return total


def _run(text: str, piece: re.Match[str], weights: dict[str, _Weigh]) -> float:
    """Weigh letters, digits and slashes without a break: base64, or a path."""
    run = piece.group()
    digits = len(_DIGIT.findall(run))
    if 8 * digits > len(run) and digits < len(run):
        return len(run) / (1.65 if _HEXADECIMAL.fullmatch(run) else 1.4)
    if digits and _SMALL.search(run) and _CAPITAL.search(run) and "/" not in run[1:9]:
        return len(run) / 1.4
    parts = _PIECE_OF_RUN.finditer(text, piece.start(), piece.end())
    return sum(weights[part.lastgroup or ""](part[part.lastgroup or ""]) for part in parts)


@lru_cache(maxsize=_CACHE_SIZE)
def _english(word: str) -> float:
    size = len(word)
    if size > _SHORT_WORD and word.lower() in common_words().english:
        return 1.0 if word.islower() else 1.3
    return sum(map(_part_of_english, _CAMEL.findall(word)))


def _part_of_english(part: str) -> float:
    size = len(part)
    if part.isupper():
        return max(1.0, size / 1.9)
    if not _VOWEL.search(part):
        return max(1.0, size / 1.65)
    if size > _SHORT_WORD:
        return 1.0 if part in common_words().english else size / 3.1
    return 1.0 if size < 6 else 1.15


@lru_cache(maxsize=_CACHE_SIZE)
def _foreign(letters: float, word: str) -> float:
    total = 0.0
    for part in _CAMEL.findall(word):
        size = len(part)
        if part.isupper():
            total += max(1.0, size / 1.9)
        elif size > 3 and not _VOWEL.search(part):
            total += size / 1.7
        else:
            total += max(1.0, size / letters)
    return total


def _accented(letters: float, word: str) -> float:
    return max(1.0, len(word) / letters)


def _letters(tokens: Callable[[int], float], word: str) -> float:
    return tokens(len(word))


def _number(digits: str) -> float:
    return float((len(digits) + 2) // 3)


@lru_cache(maxsize=_CACHE_SIZE)
def _mark(run: str) -> float:
    """Weigh punctuation; line ends behind it are part of the same token."""
    if len(run) == 1:
        return 1.0
    groups = [group.group() for group in _SAME.finditer(run)]
    changes = sum(1.0 if group[0] in _FRAME else 1.6 for group in groups) - 1.0
    total = 1.0 + sum(len(group) / 16 for group in groups if len(group) > 4)
    # A few brackets, quotes and commas are often one token.
    return total + 0.1 * min(1.0, changes) + 0.55 * max(0.0, changes - 1) + _many(changes)


def _many(changes: float) -> float:
    return 0.3 * max(0.0, changes - 5)


def _blank(piece: re.Match[str]) -> float:
    """Weigh white space: the last blank before a word or punctuation belongs to that."""
    blank = piece.group()
    text, end = piece.string, piece.end()
    following = text[end] if end < len(text) else ""
    if blank == " ":
        return 1.0 if following.isdigit() else 0.0
    lines = max(blank.rfind("\n"), blank.rfind("\r")) + 1
    total = 1.0 + lines / 16 if lines else 0.0
    indent = len(blank) - lines
    if indent:
        tabs = blank.count("\t", lines)
        is_joined = following and not following.isdigit() and blank[-1] == " "
        total += 0.0 if indent == 1 and is_joined else 1.0 + tabs / 16 + (indent - tabs) / 80
        if indent > 1 and following and not is_joined:
            total += 1.0
    return total


def _symbol(character: str) -> float:
    code = ord(character)
    if code < 0x2070:  # Latin-1 symbols, general punctuation
        return 1.2
    if 0x2500 <= code < 0x25A0:  # lines and blocks, of which several are one token
        return 0.6
    if 0x3000 <= code < 0x3200 or 0xFE00 <= code < 0xFFF0:  # punctuation of CJK, full width
        return 1.1
    return 2.2 if code < 0x10000 else 2.8


_WEIGHTS: dict[str, _Weigh] = {
    "word": _english,
    "accented": partial(_accented, 2.25),
    "number": _number,
    "mark": _mark,
    "cjk": count_cjk,
    "symbols": _symbol,
    "control": lambda _: 1.0,
}
