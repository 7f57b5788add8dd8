"""The tables of the results page; each function returns the lines of one table."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.bars import judge
from benchmarks.figures import Ratio, Result, Run, duration, median, p99, short, writers
from benchmarks.matrix import CHATSTORE
from benchmarks.promises import not_kept

_WORKLOADS = {
    "append": "Append of one message of about 600 bytes",
    "window": "Window: the newest messages of about 3,000 tokens",
    "read": "Read of the whole conversation",
    "set": "Setting the whole conversation at once",
    "delete last": "Removing the newest message",
}
_RACES = {
    "Processes that append at the same time:": False,
    "Tasks of one process that append at the same time:": True,
}
_OWN = {False: "chatstore", True: "chatstore async"}
"""With whom others are compared, by whether tasks append."""


def beaten(run: Run) -> Iterator[str]:
    """Show where a subject is faster than the sync store: a row for each call and subject."""
    rows = []
    for server in run.servers():
        for workload in _WORKLOADS:
            for subject in run.subjects(server):
                if subject in CHATSTORE:
                    continue
                cells = [_loss(run, server, workload, subject, n) for n in run.lengths()]
                if any(cells):
                    rows.append((server, workload, subject, *cells))
    if rows:
        yield from _table(("server", "call", "who", *_numbers(run.lengths())), rows)
    else:
        yield "Nowhere in this run."


def beaten_by_writers(run: Run) -> Iterator[str]:
    """Show which packages make more appends at the same time, and what they do not keep."""
    rows = []
    for race in run.of_kind("writers"):
        if race["subject"] != _OWN[race["tasks"] > 1] or not all(race["rates"]):
            continue
        for other in run.rivals(race):
            ratio = Ratio.of(other["rates"], race["rates"])
            if other["subject"] not in CHATSTORE and ratio.median > 1:
                lacks = ", ".join(not_kept(race["server"], other["subject"]))
                rows.append((race["server"], writers(race), other["subject"], str(ratio), lacks))
    if rows:
        heads = ("server", "writers", "who", "how many times as many appends", "does not keep")
        yield from _table(heads, rows)
    else:
        yield "Nowhere in this run."


def _loss(run: Run, server: str, workload: str, subject: str, length: int) -> str:
    own = (server, "chatstore", workload, length)
    ratio = run.ratio(own, (server, subject, workload, length))
    return str(ratio) if ratio is not None and ratio.median > 1 else ""


def bars(run: Run) -> Iterator[str]:
    """Show the bars, missed ones first."""
    rows = [
        ("met" if bar.is_met else "**missed**", bar.what, bar.limit, bar.measured)
        for bar in judge(run)
    ]
    yield from _table(("", "what", "bar", "measured"), rows)


def calls(run: Run, server: str) -> Iterator[str]:
    """Show the times of the calls: a table for each call."""
    for workload, title in _WORKLOADS.items():
        lengths = run.lengths(server, workload)
        rows = []
        for subject in run.subjects(server):
            cells = [run.call(server, subject, workload, length) for length in lengths]
            if any(cells):
                figures = [
                    f"{duration(median(c))} / {duration(p99(c))}" if c else "" for c in cells
                ]
                rows.append((subject, *figures))
        title_of_table = f"{title}, median / p99 by messages in the conversation:"
        yield from _titled(title_of_table, ("", *_numbers(lengths)), rows)


def failures(run: Run, server: str) -> Iterator[str]:
    """Show which calls always failed and which did sometimes."""
    rows = []
    for result in run.on(server, "failure", "calls"):
        if result["kind"] == "failure":
            count, error = "always", result["error"]
        elif result["errors"]:
            made = sum(map(len, result["seconds"])) + len(result["errors"])
            count, error = f"{len(result['errors'])} of {made}", result["errors"][0]
        else:
            continue
        text = " ".join(error.replace("|", "/").split())[:160]
        rows.append((result["subject"], result["workload"], f"{result['length']:,}", count, text))
    title = "Failed calls; those that always fail were not measured further:"
    yield from _titled(title, ("", "call", "messages", "how often", "fails with"), rows)


def traffic(run: Run, server: str) -> Iterator[str]:
    """Show the traffic of the calls."""
    results = run.on(server, "traffic")
    units = list(dict.fromkeys(unit for one in results for unit in one["units"]))
    rows = [
        (
            one["subject"],
            one["workload"],
            f"{one['length']:,}",
            short(one["round_trips"]),
            f"{one['sent']:,}",
            f"{one['received']:,}",
            *(short(one["units"][unit]) for unit in units),
        )
        for one in results
    ]
    heads = ("", "call", "messages", "round trips", "bytes sent", "bytes received", *units)
    yield from _titled("Round trips and bytes of one call, counted by a proxy:", heads, rows)


def races(run: Run, server: str) -> Iterator[str]:
    """Show the appends of processes and of tasks: this project's stores, then the fastest."""
    for title, is_of_tasks in _RACES.items():
        races = [one for one in run.on(server, "writers") if (one["tasks"] > 1) == is_of_tasks]
        rows = [
            (
                race["subject"],
                str(race["keys"]),
                f"{_rate(race):,.0f}",
                "?" if race["stored"] is None else str(race["acknowledged"] - race["stored"]),
                str(len(race["errors"])),
                ", ".join(not_kept(server, race["subject"])),
            )
            for race in sorted(races, key=_rank)
        ]
        heads = ("", "conversations", "appends a second", "lost (doubled: below 0)", "refused")
        yield from _titled(title, (*heads, "does not keep"), rows)


def _rank(race: Result) -> tuple[int, bool, float]:
    return race["keys"], race["subject"] not in CHATSTORE, -_rate(race)


def _rate(race: Result) -> float:
    rates: list[float] = race["rates"]
    return statistics.median(rates)


def memory(run: Run, server: str) -> Iterator[str]:
    """Show the peak memory of the processes."""
    peaks: dict[str, float] = {}
    for cell in run.on(server, "calls"):
        peaks[cell["subject"]] = max(cell["peak_memory"], peaks.get(cell["subject"], 0))
    rows = [(name, f"{peaks[name] / 1e6:,.0f} MB") for name in run.subjects(server)]
    yield from _titled("Peak memory of the process over all its calls:", ("", "peak"), rows)


def imports(run: Run) -> Iterator[str]:
    """Show the times of imports."""
    rows = [
        (one["subject"], f"`{one['module'].partition(';')[0]}`", duration(one["seconds"]))
        for one in run.of_kind("import")
    ]
    yield from _titled("Imports, each in a fresh process:", ("", "statement", "takes"), rows)


def installed(run: Run) -> Iterator[str]:
    """Show the sizes of installations."""
    rows = [
        (f"`{one['requirement']}`", str(one["distributions"]), f"{one['size'] / 1e6:,.0f} MB")
        for one in run.of_kind("installed")
    ]
    title = "Installed packages with their dependencies, without bytecode:"
    yield from _titled(title, ("", "distributions", "size"), rows)


def _numbers(lengths: Sequence[int]) -> list[str]:
    return [f"{length:,}" for length in lengths]


def _titled(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield title
        yield ""
        yield from _table(heads, rows)
        yield ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
