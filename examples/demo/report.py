"""The demo's table about all conversations of a file, for a terminal of 80 columns."""

from collections.abc import Mapping

from examples.demo.storing import Total
from rich.console import Console

from chatstore.cli.demo.report import new_table


def show_totals(console: Console, totals: Mapping[int, Total], *, exact: bool) -> None:
    """Show a summary of the windows of all conversations at each token limit."""
    table = new_table("Sent to a model at different token limits, all conversations together")
    largest = "tokens of the largest" if exact else "tokens of the largest, about"
    for name in ("limit", "messages sent", largest, "above the limit *", "refused by a provider"):
        table.add_column(name, justify="right")
    for limit, total in totals.items():
        row = (limit, total.sent, total.largest, total.above, total.refused)
        table.add_row(*(f"{value:,}" for value in row))
    console.print(table)
    console.print("* the newest turn alone is above the limit; it is sent whole\n")
