"""``chatstore bench``: measure a store from this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chatstore.cli.arguments import Json, Url
from chatstore.cli.output import Column, print_json, print_rows, print_text
from chatstore.cli.progress import progress
from chatstore.cli.stores import open_existing

if TYPE_CHECKING:
    from chatstore.cli.benchmark import Measurement

_COLUMNS = (
    Column("call", ratio=1, style="bold"),
    Column("short", width=11, justify="right"),
    Column("short, 95 %", width=11, justify="right"),
    Column("long", width=11, justify="right"),
    Column("long, 95 %", width=11, justify="right"),
)


def bench(
    url: Url = None,
    *,
    messages: Annotated[
        int,
        typer.Option(
            "--messages", metavar="N", min=100, max=100_000, help="Length of the long conversation."
        ),
    ] = 1000,
    json: Json = False,
) -> None:
    """Measure calls in a short and in a long conversation, under a prefix that is deleted again."""
    from chatstore.cli.benchmark import STEPS, measure
    from chatstore.cli.throwaway import throwaway

    with open_existing(url) as store:
        server = store.server
        with (
            throwaway(store) as part,
            progress("Measuring", "steps", STEPS) as advance,
        ):
            measured = measure(part, messages, advance)
    if json:
        for item in measured.calls:
            print_json(item.to_json())
        print_json({"call": "add_message, 8 threads", "a_second": round(measured.appends_a_second)})
        return
    print_text(f"{server}: a conversation of 10 messages, and one of {messages:,}")
    print_rows(_COLUMNS, map(_row, measured.calls))
    print_text(f"8 threads append {measured.appends_a_second:,.0f} messages a second.")


def _row(item: Measurement) -> list[str]:
    times = [*item.short, *item.long]
    return [item.call, *(f"{seconds * 1000:,.2f} ms" for seconds in times)]
