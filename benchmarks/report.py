"""The results page, in Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks import tables
from benchmarks.figures import Run
from benchmarks.plan import EMULATED_ROUNDS, OURS, WARM_UPS

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
_METHOD = f"""\
Written by `make bench ARGS=--publish`. All packages were measured in one run, each in a process
of its own, taking turns in every round, at lengths in an order of each round's own. Calls below
20 ms take five short turns in a round, of which the first {WARM_UPS} calls each are not counted.
A figure is the median of all counted calls, a ratio the median of the rounds' ratios with the
least and the greatest. A conversation that appends made longer by a tenth is set anew. Windows
are made anew for each call, as a web application does. LangChain's windows are counted by its
own approximation and those of OpenAI Agents are the newest 20 messages. In memory LlamaIndex
hands out its own list, where the others copy what they read."""


def write(found: dict[str, Any]) -> str:
    """Return the page."""
    run = Run(found["results"])
    lines = ["# Benchmarks", "", _METHOD, ""]
    lines.append(
        f"Machine: {found['machine']}. Rounds: {found['rounds']}, on emulators"
        f" at most {EMULATED_ROUNDS}."
    )
    if found["versions"]:
        versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
        lines.append(f"Versions: {versions}.")
    lines += ["", "## Where a peer or the bare driver beats us", ""]
    lines += ["How many times as long `chatstore` takes.", "", *tables.beaten(run)]
    lines += ["", "## The bars, missed ones first", "", *tables.bars(run), ""]
    for server in run.servers():
        lines += [f"## {_TITLES[server]}", ""]
        lines += [f"![Cost against history length on {server}](charts/{server}.svg)", ""]
        for table in (tables.calls, tables.failures, tables.traffic, tables.races, tables.memory):
            lines += table(run, server)
    if run.of_kind("import"):
        lines += ["## Import and installation", "", *tables.imports(run), *tables.installed(run)]
    return "\n".join(lines).rstrip() + "\n"


def problems(results: list[dict[str, Any]]) -> list[str]:
    """Return what went wrong with our stores and the bare drivers; a peer's failure is a result."""
    found = []
    for one in results:
        subject = one.get("subject", "")
        errors = [one["error"]] if one["kind"] == "failure" else one.get("errors", ())
        if errors and (subject in OURS or subject.startswith("bare ")):
            what = one.get("workload", "writers")
            found.append(f"{one['server']}, {subject}: {what} fails with {errors[0]}")
    return found
