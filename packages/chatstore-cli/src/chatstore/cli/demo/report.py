"""The demo's tables, for a terminal of 80 columns."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatstore.cli.demo.windows import JudgedWindow
from chatstore.core import ChatMessage, MessageRole
from chatstore.core.tool_calls import calls_of

_STYLES = {"system": "magenta", "user": "cyan", "assistant": "green", "tool": "yellow"}


def show_messages(console: Console, title: str, messages: Sequence[ChatMessage]) -> None:
    """Show a conversation, one line for each message."""
    table = new_table(title)
    table.add_column("#", justify="right", style="dim", min_width=2)
    table.add_column("role", no_wrap=True, min_width=9)
    table.add_column("content", no_wrap=True, overflow="ellipsis", ratio=1)
    for index, message in enumerate(messages):
        role = message.role.value
        table.add_row(str(index), Text(role, _STYLES.get(role, "")), _content(message))
    console.print(table)


def show_windows(
    console: Console,
    conversation: Sequence[ChatMessage],
    windows: Iterable[JudgedWindow],
    *,
    exact: bool,
) -> None:
    """Show what is sent to a model at each limit."""
    table = new_table("Sent to a model at different token limits")
    table.add_column("limit", justify="right", no_wrap=True)
    table.add_column("tokens" if exact else "tokens, about", justify="right", no_wrap=True)
    table.add_column("what is sent", overflow="fold")
    table.add_column("provider", no_wrap=True)
    for window in windows:
        table.add_row(
            f"{window.limit:,}",
            Text(f"{window.tokens:,}", "" if window.tokens <= window.limit else "yellow"),
            _sent(conversation, window.messages),
            verdict(window.violations),
        )
    console.print(table)


def _sent(conversation: Sequence[ChatMessage], window: Sequence[ChatMessage]) -> str:
    """Describe which part of a conversation a window has."""
    if len(window) == len(conversation):
        return f"all {len(window)} messages"
    turns = sum(message.role == MessageRole.USER for message in window)
    system = sum(message.role == MessageRole.SYSTEM for message in window)
    rest = f"newest {turns} turns" if turns != 1 else "newest turn"
    return f"{len(window)} messages: {'system prompt and ' if system else ''}{rest}"


def new_table(title: str) -> Table:
    """Return an empty table in the style of the demo."""
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")


def verdict(violations: Sequence[str]) -> Text:
    """Return whether a provider accepts a window."""
    return Text(violations[0], "red") if violations else Text("accepted", "green")


def _content(message: ChatMessage) -> Text:
    calls = calls_of(message)
    if calls:
        return Text("→ " + ", ".join(f"{call.name}(…)" for call in calls), "italic")
    text = message.content if isinstance(message.content, str) else ""
    return Text(" ".join(text.split()))
