r"""Text of strangers, made safe for a terminal.

Messages, titles, keys and names of tools are written by users and models. Control characters in
them could color, move, hide or rewrite what a terminal shows, or make it send input. They are shown
as escapes such as ``\x1b``.
"""

from __future__ import annotations

from unicodedata import category

_JOINERS = "\u200c\u200d"  # parts of emoji and of words in Persian and Indian scripts
_UNSAFE = {
    "Cc",  # control characters, with escape and the C1 controls
    "Cf",  # invisible, or they change the direction of text
    "Co",  # private use: no font agrees on them
    "Cs",  # lone surrogates
    "Zl",  # line and paragraph separators
    "Zp",
}


class _Escapes(dict[int, str]):
    """For `str.translate`: what to show for a character; fills itself."""

    def __init__(self, allowed: str) -> None:
        super().__init__()
        self._allowed = allowed

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in self._allowed or category(character) not in _UNSAFE:
            shown = character
        else:
            shown = _escape(code)
        self[code] = shown
        return shown


_LINES = _Escapes(f"{_JOINERS}\n")
_LINE = _Escapes(_JOINERS)


def one_line(text: str) -> str:
    """Return a text for one line of a terminal: line breaks and tabs are escaped, too."""
    return text.translate(_LINE)


def lines(text: str) -> str:
    """Return a text for several lines of a terminal; tabs become spaces."""
    return text.replace("\r\n", "\n").expandtabs(4).translate(_LINES)


def _escape(code: int) -> str:
    short = {9: r"\t", 10: r"\n", 13: r"\r"}.get(code)
    if short is not None:
        return short
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
