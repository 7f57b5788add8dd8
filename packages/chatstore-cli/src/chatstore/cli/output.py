"""What commands print: with Rich on a terminal, plain text in a pipe, JSON for programs.

Every function here makes text safe for a terminal (`chatstore.cli.clean`), so commands pass what
the store returned.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from chatstore.cli.clean import lines, one_line
from chatstore.cli.errors import PipeClosedError

if TYPE_CHECKING:
    from rich.console import Console

_PAGE_ROWS = 100

Part = str | tuple[str, str]
"""Text, or text and a Rich style."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: The heading.
        ratio: The share of the terminal's width that the fixed columns leave.
        width: The fixed width instead.
        style: A Rich style.
        justify: The alignment.

    """

    name: str
    ratio: int | None = None
    width: int | None = None
    style: str = ""
    justify: Literal["left", "right"] = "left"


@cache
def console(*, stderr: bool = False) -> Console:
    """Return the console of stdout or stderr; text is printed as it is, without markup."""
    from rich.console import Console

    class PipeConsole(Console):
        """Leaves a closed pipe to `chatstore.cli.app`."""

        def on_broken_pipe(self) -> None:
            raise PipeClosedError

    return PipeConsole(stderr=stderr, highlight=False, markup=False, emoji=False)


def on_terminal() -> bool:
    """Return whether stdout is a terminal (or ``FORCE_COLOR`` asks to treat it as one)."""
    return console().is_terminal


def write(text: str) -> None:
    """Write text to stdout as it is; only for text that is safe already.

    Raises:
        PipeClosedError: The reader of the pipe ended.

    """
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise PipeClosedError from None


def flush() -> None:
    """Send what was printed to the reader of a pipe at once."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise PipeClosedError from None


def print_text(*parts: Part, indent: int = 0, stderr: bool = False) -> None:
    """Print text that may have several lines; parts may have styles, for terminals.

    On a terminal long lines are wrapped between words.
    """
    from rich.padding import Padding
    from rich.text import Text

    target = console(stderr=stderr)
    text = Text()
    for part in parts:
        content, style = (part, "") if isinstance(part, str) else part
        text.append(lines(content), style)
    if target.is_terminal:
        target.print(Padding(text, (0, 0, 0, indent), expand=False))
    else:
        plain = "".join(
            f"{' ' * indent if line else ''}{line}\n" for line in text.plain.split("\n")
        )
        target.out(plain, end="", highlight=False)


def print_hanging(lead: Sequence[Part], text: str) -> None:
    """Print one paragraph on a terminal; its lines begin where the lead ends."""
    from rich.table import Table
    from rich.text import Text

    first = Text()
    for part in lead:
        content, style = (part, "") if isinstance(part, str) else part
        first.append(one_line(content), style)
    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_column()
    grid.add_row(first, Text(one_line(text)))
    console().print(grid)


def print_json(record: Any) -> None:
    """Print a value as one line of JSON; characters outside ASCII are escaped.

    So nothing in it can affect a terminal, and it is one line for every program.
    """
    write(json.dumps(record) + "\n")


def print_rows(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of any length as its rows arrive.

    On a terminal it has headings and fits the width. In a pipe each row is one line with tabs
    between the columns.
    """
    if not on_terminal():
        for row in rows:
            write("\t".join(one_line(cell) for cell in row) + "\n")
        return
    page: list[Sequence[str]] = []
    is_first = True
    for row in rows:
        page.append(row)
        if len(page) == _PAGE_ROWS:
            _print_page(columns, page, with_header=is_first)
            page, is_first = [], False
    if page:
        _print_page(columns, page, with_header=is_first)


def _print_page(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, with_header: bool
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None, expand=True, show_header=with_header, header_style="bold", pad_edge=False
    )
    for column in columns:
        table.add_column(
            column.name,
            ratio=column.ratio,
            width=column.width,
            style=column.style,
            justify=column.justify,
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console().print(table)
