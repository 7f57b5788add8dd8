"""Compute what a chat application costs a month on services that charge by the request.

``python -m scripts.monthly_costs`` reads the units of calls in ``docs/costs.md`` and writes
``docs/monthly-costs.md``. The exit status is 1 if the page changed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from scripts.workspace import ROOT

_USERS = 1000
_TURNS_A_DAY = 50
_DAYS = 30
_TURN = {"append": 2, "window": 1}  # the calls of a turn: question, answer, and what is sent
_PAGE = ROOT / "docs" / "monthly-costs.md"


_TEMPLATE = """# What a month costs

{users} users have {turns_a_day} turns a day for {days} days: {turns} turns. A turn appends
two messages of 600 bytes and reads a window of 20 messages. The units of calls are those of the
longest conversations in [What calls cost](costs.md). If your messages have ids, use its row "append
with the caller's id". `python -m scripts.monthly_costs` writes this page.

| service | units of a turn | units of a month | list price of a million | cost of a month |
| --- | --- | --- | --- | --- |
{rows}

{notes}

Not included are storage, of which a month adds at least {gigabytes} GB, traffic, backups and taxes.
The price of Table Storage could not be read when this page was written: multiply the units by the
price of your region. Table Storage bills each entity of a batch, so an append counts as more than
its one request. The units of Cosmos DB are estimates.
"""


@dataclass(frozen=True)
class Service:
    """A service with its list prices.

    Attributes:
        title: Its section in ``docs/costs.md``.
        prices: US dollars for a million units, by the column's title; ``None``: not known.
        source: Where the prices are from, the region and the date.

    """

    title: str
    prices: dict[str, float | None]
    source: str


SERVICES = [
    Service(
        "DynamoDB",
        {"write units": 0.625, "read units": 0.125},
        "Paid by request in US East (N. Virginia), by airbyte.com's overview of prices, read on "
        "2026-11-26",
    ),
    Service(
        "Upstash",
        {"commands": 2.0},
        "Paid by command, by Upstash's billing page, read on 2026-11-26. "
        "The first 200 GB of traffic are free",
    ),
    Service(
        "Cosmos DB",
        {"request units": 0.25},
        "Serverless, in a US region, by the examples of Microsoft's article on Cosmos DB's bills, "
        "dated 2022-03-31 and read on 2026-11-26. Other regions have other prices",
    ),
    Service("Azure Table Storage", {"requests": None}, "general-purpose v2"),
]


def units(page: str, title: str, call: str, column: str) -> float:
    """Return the units of a call in the longest conversation of a section."""
    section = page.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    row = next(row for row in rows if row[0] == call)
    return float(row[rows[0].index(column)].split(" · ")[-1].replace(",", ""))


def monthly_page(costs: str) -> str:
    """Return the page for the measured costs of calls."""
    turns = _USERS * _TURNS_A_DAY * _DAYS
    rows, notes = [], []
    for service in SERVICES:
        total = 0.0
        for column, price in service.prices.items():
            turn = sum(
                count * units(costs, service.title, call, column) for call, count in _TURN.items()
            )
            month = turn * turns / 1e6
            total += month * (price or 0)
            cells = [service.title, f"{turn:g} {column}", f"{month:,.1f} million"]
            cells += ["not known", "not known"] if price is None else [_of(price, month)]
            rows.append(f"| {' | '.join(cells)} |")
        if total:
            notes.append(f"- **{service.title}**: ${total:.2f}. {service.source}.")
    return _TEMPLATE.format(
        users=f"{_USERS:,}",
        turns_a_day=_TURNS_A_DAY,
        days=_DAYS,
        turns=f"{turns / 1e6} million",
        gigabytes=f"{2 * turns * 600 / 1e9:.1f}",
        rows="\n".join(rows),
        notes="\n".join(notes),
    )


def _of(price: float, month: float) -> str:
    return f"${price:g} | ${price * month:.2f}"


def main() -> int:
    """Write the page; return 1 if it changed."""
    page = monthly_page((ROOT / "docs" / "costs.md").read_text())
    changed = not _PAGE.exists() or _PAGE.read_text() != page
    _PAGE.write_text(page)
    return int(changed)


if __name__ == "__main__":
    sys.exit(main())
