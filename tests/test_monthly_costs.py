from __future__ import annotations

from scripts.monthly_costs import monthly_page, units
from scripts.workspace import ROOT

COSTS = """
## DynamoDB

| call | requests | write units | read units |
| --- | --- | --- | --- |
| append | 1 | 2 · 4 | 0 |
| window | 2 | 0 | 1,014 · 2,021 |

An owner has 60 conversations.

| call | requests | write units | read units |
| --- | --- | --- | --- |
| append | 9 | 9 | 9 |

## Upstash

| call | commands |
| --- | --- |
| append | 1 |
| window | 1 |

## Cosmos DB

| call | request units |
| --- | --- |
| append | 10 |
| window | 5.5 |

## Azure Table Storage

| call | requests |
| --- | --- |
| append | 1 |
| window | 2 |
"""


def test_units_are_those_of_the_longest_conversation() -> None:
    assert units(COSTS, "DynamoDB", "append", "write units") == 4
    assert units(COSTS, "DynamoDB", "window", "read units") == 2021


def test_cost_of_a_month() -> None:
    page = monthly_page(COSTS)
    # 1.5 million turns with two appends of 4 units, at $0.625 for a million.
    assert "| DynamoDB | 8 write units | 12.0 million | $0.625 | $7.50 |" in page
    # Three commands a turn, at $2 for a million.
    assert "- **Upstash**: $9.00." in page
    assert "| Cosmos DB | 25.5 request units | 38.2 million | $0.25 | $9.56 |" in page


def test_the_page_has_the_measured_units() -> None:
    docs = ROOT / "docs"
    assert (docs / "monthly-costs.md").read_text() == monthly_page((docs / "costs.md").read_text())
