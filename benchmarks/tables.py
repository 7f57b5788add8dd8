"""The tables of the results page; each function returns the lines of one table."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.bars import judge
from benchmarks.figures import Run, duration, median, p99, short
from benchmarks.matrix import CHATSTORE

_WORKLOADS = {
    "append": "Append of one message of about 600 bytes",
    "window": "Window: the newest messages of about 3,000 tokens",
    "read": "Read of the whole conversation",
    "set": "Setting the whole conversation at once",
    "delete last": "Removing the newest message",
}


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
    lengths = run.lengths(server)
    for workload, title in _WORKLOADS.items():
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
    """Show the throughput of writers."""
    rows = []
    for race in run.on(server, "writers"):
        lost = "?" if race["stored"] is None else f"{race['acknowledged'] - race['stored']}"
        rate = f"{statistics.median(race['rates']):,.0f}"
        who = (race["subject"], str(race["writers"]), str(race["keys"]))
        rows.append((*who, rate, lost, str(len(race["errors"]))))
    counts = ("processes", "conversations", "appends a second", "acknowledged but lost", "refused")
    yield from _titled("Processes that append at the same time:", ("", *counts), rows)


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
