"""The results page, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.bars import judge
from benchmarks.figures import Run, duration, median, p99, short
from benchmarks.plan import OURS

_TITLES = {
    "memory": "Memory",
    "sqlite": "SQLite",
    "redis": "Redis (appendfsync always)",
    "postgres": "Postgres (its defaults: a commit is on disk)",
    "dynamodb": "DynamoDB (moto: its times are not the service's)",
    "azure": "Azure Table Storage (Azurite: its times are not the service's)",
}
_UNITS = {"write_units": "write units", "read_units": "read units"}
_WORKLOADS = {
    "append": "Append of one message of about 600 bytes",
    "window": "Window: the newest messages of about 3,000 tokens",
    "read": "Read of the whole conversation",
    "set": "Setting the whole conversation at once",
    "delete last": "Removing the newest message",
}


def write(found: dict[str, Any]) -> str:
    """Return the page."""
    run = Run(found["results"])
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench ARGS=--publish`. All packages were measured in one run, each in a",
        "process of its own, taking turns in every round; a figure is the median of all calls, a",
        "ratio the median of the rounds' ratios with the least and the greatest. Windows are made",
        "anew for each call, as a web application does. LangChain's windows are counted by its",
        "own approximation and those of OpenAI Agents are the newest 20 messages.",
        "",
        f"Machine: {found['machine']}. Rounds: {found['rounds']}.",
    ]
    if found["versions"]:
        versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
        lines += [f"Versions: {versions}."]
    lines += ["", "## Where a peer or the bare driver beats us", "", *_beaten(run)]
    lines += ["", "## The bars, missed ones first", "", *_bars(run)]
    for server in run.servers():
        lines += ["", f"## {_TITLES[server]}", "", *_server(run, server)]
    lines += ["", *_imports(run)]
    return "\n".join(lines).rstrip() + "\n"


def _beaten(run: Run) -> Iterator[str]:
    found = []
    for server in run.servers():
        for subject in run.subjects(server):
            for workload in _WORKLOADS if subject not in OURS else ():
                for length in run.lengths():
                    cell = (server, subject, workload, length)
                    ratio = run.ratio((server, "chatstore", workload, length), cell)
                    if ratio is not None and ratio.median > 1:
                        found.append((server, workload, f"{length:,}", subject, str(ratio)))
    if not found:
        yield "Nowhere in this run."
        return
    yield from _table(("server", "call", "messages", "who", "we cost"), found)


def _bars(run: Run) -> Iterator[str]:
    rows = [
        ("met" if bar.is_met else "**missed**", bar.what, bar.wanted, bar.measured)
        for bar in judge(run)
    ]
    yield from _table(("", "what", "bar", "measured"), rows)


def _server(run: Run, server: str) -> Iterator[str]:
    lengths = run.lengths(server)
    yield f"![Cost against history length on {server}](charts/{server}.svg)"
    yield ""
    for workload, title in _WORKLOADS.items():
        rows = []
        for subject in run.subjects(server):
            cells = [run.call(server, subject, workload, length) for length in lengths]
            if any(cells):
                figures = [
                    f"{duration(median(c))} / {duration(p99(c))}" if c else "" for c in cells
                ]
                rows.append((subject, *figures))
        if rows:
            yield f"{title}, median / p99 by messages in the conversation:"
            yield ""
            yield from _table(("", *(f"{length:,}" for length in lengths)), rows)
            yield ""
    yield from _failures(run, server)
    yield from _traffic(run, server)
    yield from _races(run, server)
    yield from _memory(run, server)


def _failures(run: Run, server: str) -> Iterator[str]:
    rows = [
        (
            found["subject"],
            f"{found['length']:,}",
            " ".join(found["error"].replace("|", "/").split())[:160],
        )
        for found in run.of_kind("failure")
        if found["server"] == server
    ]
    if rows:
        yield "What could not be set, and was measured no further:"
        yield ""
        yield from _table(("", "messages", "fails with"), rows)
        yield ""


def _on_one_line(error: str) -> str:
    return " ".join(error.replace("|", "/").split())[:160]


def _traffic(run: Run, server: str) -> Iterator[str]:
    rows = [
        (
            t["subject"],
            t["workload"],
            short(t["round_trips"]),
            f"{t['sent']:,}",
            f"{t['received']:,}",
            *(short(t[units]) for units in _UNITS if units in t),
        )
        for t in run.of_kind("traffic")
        if t["server"] == server
    ]
    if rows:
        yield "Round trips and bytes of one call, counted by a proxy:"
        yield ""
        heads = ("", "call", "round trips", "bytes sent", "bytes received", *_UNITS.values())
        yield from _table(heads[: len(rows[0])], rows)
        yield ""


def _races(run: Run, server: str) -> Iterator[str]:
    rows = []
    for race in run.of_kind("writers"):
        if race["server"] == server:
            kept = "?" if race["kept"] is None else f"{race['acknowledged'] - race['kept']}"
            errors = len(race["errors"])
            rate = f"{statistics.median(race['rates']):,.0f}"
            who = (race["subject"], str(race["writers"]), str(race["keys"]))
            rows.append((*who, rate, kept, str(errors)))
    if rows:
        yield "Processes that append at once:"
        yield ""
        counts = ("processes", "conversations", "appends a second")
        heads = ("", *counts, "acknowledged but lost", "refused")
        yield from _table(heads, rows)
        yield ""


def _memory(run: Run, server: str) -> Iterator[str]:
    rows = []
    for subject in run.subjects(server):
        cells = [
            c for c in run.of_kind("calls") if (c["server"], c["subject"]) == (server, subject)
        ]
        peaks = [c["peak_memory"] for c in cells if "peak_memory" in c]
        if peaks:
            rows.append((subject, f"{max(peaks) / 1e6:,.0f} MB"))
    yield "Peak memory of the process over all its calls:"
    yield ""
    yield from _table(("", "peak"), rows)


def _imports(run: Run) -> Iterator[str]:
    rows = [
        (
            found["subject"],
            f"`{found['module'].partition(';')[0]}`",
            duration(found["seconds"]),
            f"{found['installed_bytes'] / 1e6:,.0f} MB",
        )
        for found in run.of_kind("import")
    ]
    if rows:
        yield "## Import and installation"
        yield ""
        yield "The size is that of the measured family's whole environment, drivers included."
        yield ""
        yield from _table(("", "statement", "takes", "environment"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
