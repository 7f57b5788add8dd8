"""The results page, in Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks import tables
from benchmarks.figures import Run, duration, median
from benchmarks.matrix import CHATSTORE, EMULATED_ROUNDS, WARM_UPS
from benchmarks.subjects.subject import WINDOW_MESSAGES

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
_CHART = "![Cost of calls on {0} against the length of a conversation](charts/{0}.svg)"
_METHOD = f"""\
Written by `make bench ARGS=--publish`. All packages were measured in one run, each in a process
of its own; every round measures all of them, in a new order. Calls below 20 ms have five slices in
a round; the first {WARM_UPS} calls of a slice are not counted. A figure is the median of all
counted calls; a ratio is the median of the rounds' ratios, with the least and the greatest. A
conversation that has grown by a tenth is replaced. A new memory buffer computes each window, as in
a web application; it has at most {WINDOW_MESSAGES} messages here, and at least 13, since windows
begin at steps. LangChain's windows and LangGraph's use an approximation of tokens; those of OpenAI
Agents and Pydantic AI are the newest {WINDOW_MESSAGES} messages. In memory, LlamaIndex returns its
own list, where the others copy the messages.

Writers at the same time: each makes 100 appends, 50 on an emulator, or as many as it can in 2
seconds. Processes use the sync methods of a package that has both. Tasks use the async methods; the
histories of LangChain for Redis and Upstash run their sync methods in threads.

LangGraph keeps the messages of a graph's state: an append is an update of the state, a set replaces
its messages. Each append stores the whole state, so it is measured up to 10,000 messages.
LangGraph's saver for Redis needs a Redis with modules and was not measured. Pydantic AI ships a
store in memory and none for a database.

A store with the same promises keeps the messages in the order in which the appends took effect,
loses none, and stores a message once, also if the reply to an append is lost and the append is sent
again. No measured peer keeps all three.

What others do not keep is what [a comparison](comparison.md) shows for their stores on SQLite,
Redis and Postgres, and what their interfaces or their races show on the other servers. The bare
drivers write one row, list item or document; those with the same promises run the smallest script
or statement that keeps the order, stores an id once and can expire a conversation.
[Costs](costs.md) has the cost of an owner's list beside 100,000 conversations of others, which
`make costs` measures; `make owners` lets 16 processes change owners at the same time."""


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
    lines += ["", "Appends at the same time, compared with `chatstore` or, for tasks, with"]
    lines += ["`chatstore async`:", "", *tables.beaten_by_writers(run)]
    lines += ["", "## The bars, missed ones first", "", *tables.bars(run), ""]
    for server in run.servers():
        lines += [f"## {_TITLES[server]}", ""]
        lines += [_CHART.format(server), ""]
        for table in (tables.calls, tables.failures, tables.traffic, tables.races, tables.memory):
            lines += table(run, server)
    if run.of_kind("import"):
        lines += ["## Import and installation", "", *tables.imports(run), *tables.installed(run)]
    return "\n".join(lines).rstrip() + "\n"


def _beginning(run: Run) -> list[str]:
    """Return a chart and three sentences: what a reader wants to know first."""
    server = _SHOWN if _SHOWN in run.servers() else run.servers()[0]
    lines = [_CHART.format(server), ""]
    for workload, what in (("append", "An append"), ("window", "A window of 3,000 tokens")):
        lengths = run.lengths(server, workload)
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
