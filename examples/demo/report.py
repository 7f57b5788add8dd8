"""What the demo shows: tables that fit a terminal of 80 columns."""

from collections.abc import Iterable, Sequence

from examples.demo.windows import JudgedWindow
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatstore.core import ChatMessage
from chatstore.core.tool_calls import call_references

_COLOURS = {"system": "magenta", "user": "cyan", "assistant": "green", "tool": "yellow"}


def show_messages(console: Console, title: str, messages: Sequence[ChatMessage]) -> None:
    """Show a conversation, a line a message."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.add_column("#", justify="right", style="dim", min_width=2)
    table.add_column("role", no_wrap=True, min_width=9)
    table.add_column("says", no_wrap=True, overflow="ellipsis", ratio=1)
    for index, message in enumerate(messages):
        role = message.role.value
        table.add_row(str(index), Text(role, _COLOURS.get(role, "")), _says(message))
    console.print(table)


def show_windows(console: Console, windows: Iterable[JudgedWindow], *, exact: bool) -> None:
    """Show what a model would be sent at each limit."""
    table = Table(
        title="Windows: the newest part that fits, always whole turns",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
    )
    table.add_column("limit", justify="right")
    table.add_column("tokens" if exact else "tokens (estimate)", justify="right")
    table.add_column("messages", justify="right")
    table.add_column("roles", no_wrap=True, overflow="ellipsis")
    table.add_column("provider")
    for window in windows:
        roles = Text()
        for message in window.messages:
            role = message.role.value
            roles.append(role[0], _COLOURS.get(role, ""))
        table.add_row(
            f"{window.limit:,}",
            Text(f"{window.tokens:,}", "" if window.tokens <= window.limit else "yellow"),
            str(len(window.messages)),
            roles,
            verdict(window.violations),
        )
    console.print(table)


def show_totals(
    console: Console, totals: Sequence[tuple[int, int, int, int, int]], *, exact: bool
) -> None:
    """Show, by limit: windows, messages in them, the largest in tokens, whole turns, broken."""
    table = Table(
        title="Windows of all conversations",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
    )
    largest = "largest (tokens)" if exact else "largest (estimate)"
    for name in ("limit", "messages kept", largest, "newest turn alone above", "broken"):
        table.add_column(name, justify="right")
    for row in totals:
        table.add_row(*(f"{value:,}" for value in row))
    console.print(table)


def verdict(violations: Sequence[str]) -> Text:
    """Return whether a provider takes it."""
    return Text(violations[0], "red") if violations else Text("accepted", "green")


def _says(message: ChatMessage) -> Text:
    if call_references(message):
        calls = message.additional_kwargs.get("tool_calls")
        names = [
            f"{call['function']['name']}(…)"  # type: ignore[index,call-overload]
            for call in (calls if isinstance(calls, list) else [])
        ]
        return Text("→ " + ", ".join(names), "italic")
    text = message.content if isinstance(message.content, str) else ""
    return Text(" ".join(text.split()))
