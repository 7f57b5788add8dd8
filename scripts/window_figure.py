"""Draw what a window keeps of a conversation, from the real program.

At the left is the window of `ChatMemoryBuffer`; at the right are the newest messages that fit the
same limit, and what a provider refuses about them. ``python -m scripts.window_figure`` writes
``docs/pictures/window.svg``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from scripts.workspace import ROOT

from chatstore.cli.demo.sample import sample
from chatstore.core import ChatMemoryBuffer, ChatMessage, MessageRole, SimpleChatStore
from chatstore.core.contents import blocks_of, text_of
from chatstore.core.testing.provider_rules import chat_completions_violations
from chatstore.core.tool_calls import calls_of

FILE = ROOT / "docs" / "pictures" / "window.svg"
LIMIT = 200  # words and punctuation marks, so that the figure needs no vocabulary
_WIDTH, _ROW, _TOP, _GAP = 840, 30, 64, 24
_COLUMN = (_WIDTH - _GAP) / 2
_GREY = "#7d8590"
_COLORS = {"pinned": "#2f81f7", "kept": "#1f9e89", "left out": _GREY, "refused": "#d1242f"}
_CHARACTERS = 56  # of a message in a row


class Row(NamedTuple):
    """A message and what becomes of it."""

    text: str
    fate: str


def words(text: str) -> list[str]:
    """Return the words and marks of a text, which are the tokens of this figure."""
    return re.findall(r"\w+|[^\w\s]", text)


def window_rows(messages: Sequence[ChatMessage]) -> list[Row]:
    """Return what `ChatMemoryBuffer` does with each message."""
    memory = _memory()
    memory.set(list(messages))
    window = memory.get()
    first = len(messages) - sum(one.role not in {"system", "developer"} for one in window)
    rows = []
    for index, message in enumerate(messages):
        is_pinned = message.role in {"system", "developer"}
        fate = "pinned" if is_pinned else "kept" if index >= first else "left out"
        rows.append(Row(_line(message), fate))
    assert window == [
        one for one, row in zip(messages, rows, strict=True) if row.fate != "left out"
    ]
    return rows


def newest_rows(messages: Sequence[ChatMessage]) -> tuple[list[Row], list[str]]:
    """Return the newest messages that fit the limit, and what providers refuse about them."""
    memory, start = _memory(), len(messages)
    while start and sum(map(memory.count, messages[start - 1 :])) <= LIMIT:
        start -= 1
    refused = chat_completions_violations(
        [{"role": one.role, "content": "", **one.additional_kwargs} for one in messages[start:]]
    )
    fates = ["left out"] * start + ["kept"] * (len(messages) - start)
    if refused:
        fates[start] = "refused"
    return [Row(_line(one), fate) for one, fate in zip(messages, fates, strict=True)], refused


def draw() -> str:
    """Return the figure."""
    messages = sample()
    rows, (newest, refused) = window_rows(messages), newest_rows(messages)
    height = _TOP + _ROW * len(messages) + 40
    body = [
        *_column(0, "The window: ChatMemoryBuffer", rows),
        *_column(_COLUMN + _GAP, "The newest messages that fit", newest),
        _text(
            _COLUMN + _GAP,
            height - 14,
            f"OpenAI refuses it: {refused[0].partition(': ')[2]}",
            _COLORS["refused"],
            bold=True,
        ),
        _text(0, height - 14, "Accepted: the turn is whole", _COLORS["kept"], bold=True),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12" fill="{_GREY}">\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _memory() -> ChatMemoryBuffer:
    return ChatMemoryBuffer(LIMIT, SimpleChatStore(), "figure", tokenizer_fn=words)


def _line(message: ChatMessage) -> str:
    calls = ", ".join(f"{call.name}(…)" for call in calls_of(message))
    text = f"{MessageRole(message.role).value}: {calls or text_of(blocks_of(message.content))}"
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"


def _column(left: float, title: str, rows: Sequence[Row]) -> Iterator[str]:
    yield _text(left, 18, title, _GREY, bold=True, size=15)
    yield from _legend(left, dict.fromkeys(row.fate for row in rows))
    for number, row in enumerate(rows):
        y, color = _TOP + number * _ROW, _COLORS[row.fate]
        opacity = 0.08 if row.fate == "left out" else 0.22
        yield (
            f'<rect x="{left}" y="{y}" width="{_COLUMN}" height="{_ROW - 4}" rx="4" '
            f'fill="{color}" fill-opacity="{opacity}"/>'
        )
        yield f'<rect x="{left}" y="{y}" width="4" height="{_ROW - 4}" fill="{color}"/>'
        yield _text(left + 14, y + 17, row.text, _GREY if row.fate == "left out" else color)


def _legend(left: float, fates: dict[str, None]) -> Iterator[str]:
    for fate in fates:
        yield f'<rect x="{left}" y="34" width="12" height="12" fill="{_COLORS[fate]}"/>'
        yield _text(left + 18, 45, fate, _GREY)
        left += 84


def _text(x: float, y: float, text: str, color: str, *, bold: bool = False, size: int = 12) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" fill="{color}" font-size="{size}"{weight}>{escape(text)}</text>'


def main(arguments: list[str]) -> None:
    """Write the figure."""
    file = Path(arguments[0]) if arguments else FILE
    file.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
