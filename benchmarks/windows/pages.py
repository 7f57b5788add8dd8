"""Writes the tables into the pages of the documentation, between their marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean

from benchmarks.windows.costs import PRICES, READ_ON, bill
from benchmarks.windows.measure import Summary

_DOCS = Path(__file__).parents[2] / "docs"
WINDOWS, CACHES = _DOCS / "windows.md", _DOCS / "prompt-caches.md"


def write_table(name: str, limits: Sequence[int], rows: Mapping[str, Sequence[Summary]]) -> None:
    """Write reuse, fill, moves and refused requests of each policy at each limit."""
    lines = ["| limit | what is sent | reused | filled | least | moves | refused |"]
    lines.append("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for column, limit in enumerate(limits):
        for policy, summaries in rows.items():
            summary = summaries[column]
            fills = summary.fills
            filled = (f"{mean(fills):.0%}", f"{min(fills):.0%}") if fills else ("all", "all")
            cells = [
                f"{limit:,}",
                policy,
                f"{summary.reuse:.1%}",
                *filled,
                f"{summary.moves:,} of {len(summary.requests):,}",
                f"{summary.refused:,}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    replace(WINDOWS, name, lines)


def write_costs(summaries: Mapping[str, Summary]) -> None:
    """Write what the input of requests costs."""
    lines = ["| model | what is sent | in full | cached | price | without a cache |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: |")
    for prices in PRICES:
        for policy, summary in summaries.items():
            cost = bill(summary.requests, prices)
            cells = [prices.model, policy, f"{cost.fresh:,}", f"{cost.cached:,}"]
            cells += [f"${cost.dollars:.2f}", f"${cost.dollars_without:.2f}"]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"Prices in dollars for a million tokens of input, read on {READ_ON}:", ""]
    lines += [
        f"- [{prices.model}]({prices.source}): {prices.uncached:.2f} without a cache, "
        f"{prices.fresh:.2f} for what is written to it, {prices.cached:.3f} for what it has"
        for prices in PRICES
    ]
    replace(CACHES, "costs", lines)


def replace(page: Path, name: str, lines: Iterable[str]) -> None:
    """Replace the part of a page between ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises:
        ValueError: The page has no such part.

    """
    part = re.compile(f"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)", re.DOTALL)
    text = page.read_text(encoding="utf-8")
    if part.search(text) is None:
        raise ValueError(f"{page} has no part named {name!r}")
    body = "\n".join(["", *lines, "", ""])
    page.write_text(part.sub(lambda _: body, text), encoding="utf-8")
