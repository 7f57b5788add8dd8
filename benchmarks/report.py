"""The results page, in Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks import tables
from benchmarks.figures import Run, duration, median
from benchmarks.matrix import CHATSTORE, EMULATED_ROUNDS, WARM_UPS

_TITLES = {
    "memory": "Memory",
    "sqlite": "SQLite",
    "redis": "Redis (appendfsync always)",
    "postgres": "Postgres (its defaults: a commit is on disk)",
    "upstash": "Upstash (a double in front of Redis: its times are not the service's)",
    "dynamodb": "DynamoDB (moto: its times are not the service's)",
    "azure": "Azure Table Storage (Azurite: its times are not the service's)",
    "cosmos": "Cosmos DB (a double: its times are not the service's, its units are estimates)",
}
_SHOWN = "redis"  # the server of the first chart
_SHORT = 100  # messages; a window of a shorter conversation is not full
_METHOD = f"""\
Written by `make bench ARGS=--publish`. All packages were measured in one run, each in a process
of its own; every round measures all of them, in a new order. Calls below 20 ms have five slices in
a round; the first {WARM_UPS} calls of a slice are not counted. A figure is the median of all
counted calls; a ratio is the median of the rounds' ratios, with the least and the greatest. A
conversation that has grown by a tenth is replaced. A new memory buffer computes each window, as in
a web application. LangChain's windows use its own approximation of tokens; those of OpenAI Agents
are the newest 20 messages. In memory, LlamaIndex returns its own list, where the others copy the
messages."""


def write(recorded: dict[str, Any]) -> str:
    """Return the page."""
    run = Run(recorded["results"])
    lines = ["# Benchmarks", "", *_beginning(run), "## How it is measured", "", _METHOD, ""]
    lines.append(
        f"Machine: {recorded['machine']}. Rounds: {recorded['rounds']}, on emulators"
        f" at most {EMULATED_ROUNDS}."
    )
    if recorded["versions"]:
        versions = ", ".join(f"{name} {number}" for name, number in recorded["versions"].items())
        lines.append(f"Versions: {versions}.")
    lines += ["", "## Where a peer or the bare driver is faster", ""]
    lines += ["How many times as long as the other `chatstore` takes.", "", *tables.beaten(run)]
    lines += ["", "## The bars, missed ones first", "", *tables.bars(run), ""]
    for server in run.servers():
        lines += [f"## {_TITLES[server]}", ""]
        lines += [f"![Cost against history length on {server}](charts/{server}.svg)", ""]
        for table in (tables.calls, tables.failures, tables.traffic, tables.races, tables.memory):
            lines += table(run, server)
    if run.of_kind("import"):
        lines += ["## Import and installation", "", *tables.imports(run), *tables.installed(run)]
    return "\n".join(lines).rstrip() + "\n"


def _beginning(run: Run) -> list[str]:
    """Return a chart and three sentences: what a reader wants to know first."""
    server = _SHOWN if _SHOWN in run.servers() else run.servers()[0]
    lines = [f"![Cost against history length on {server}](charts/{server}.svg)", ""]
    for workload, what in (("append", "An append"), ("window", "A window of 3,000 tokens")):
        lengths = [one for one in run.lengths(server) if one >= _SHORT]
        cells = [(one, run.call(server, CHATSTORE[0], workload, one)) for one in lengths]
        times = [f"{duration(median(cell))} at {one:,}" for one, cell in cells if cell]
        if len(times) > 1:
            lines.append(
                f"{what} on {server.capitalize()} takes {times[0]} and {times[-1]} messages."
            )
    return [
        *lines,
        "The first table has the cases in which a peer or the bare driver is faster.",
        "",
    ]


def problems(results: list[dict[str, Any]]) -> list[str]:
    """Return the failures of this project and of bare drivers; a peer's failure is a result."""
    lines = []
    for result in results:
        subject = result.get("subject", "")
        is_failure = result["kind"] == "failure"
        errors = [result["error"]] if is_failure else result.get("errors", ())
        if errors and (subject in CHATSTORE or subject.startswith("bare ")):
            what = result.get("workload", "writers")
            lines.append(f"{result['server']}, {subject}: {what} fails with {errors[0]}")
    return lines
