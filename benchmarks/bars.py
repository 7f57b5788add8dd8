"""The bars: limits that this project set itself, compared with the measured ratios."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from benchmarks.figures import Ratio, Run, short
from benchmarks.matrix import CHATSTORE

_BARE = {
    "sqlite": (("chatstore", "bare sqlite3", 2.0),),
    "redis": (("chatstore", "bare redis", 1.8),),
    "postgres": (
        ("chatstore", "bare psycopg", 1.6),
        ("chatstore async", "bare asyncpg", 1.9),
    ),
}
_TWO_TRIPS = ("dynamodb", "azure", "cosmos")
"""Servers without server-side code: a store reads the head before the records."""
_PEERS = ("LlamaIndex", "LangChain", "OpenAI Agents")


class Bar(NamedTuple):
    """A limit and the measured value."""

    what: str
    limit: str
    measured: str
    is_met: bool


def judge(run: Run) -> list[Bar]:
    """Return the bars that a run measured, missed ones first."""
    bars = [*_flat(run), *_bare(run), *_peers(run), *_trips(run), *_writers(run), *_imports(run)]
    return sorted(bars, key=lambda bar: bar.is_met)


def _flat(run: Run) -> Iterator[Bar]:
    for server in run.servers():
        longest = run.lengths(server)[-1]
        for subject in CHATSTORE:
            for workload, base, limit in (("append", 10, 1.2), ("window", 100, 1.5)):
                ratio = run.ratio(
                    (server, subject, workload, longest), (server, subject, workload, base)
                )
                if ratio is not None and longest > base:
                    what = f"{server}, {subject}: {workload} at {longest:,} against {base:,}"
                    yield Bar(what, f"at most {limit} ×", str(ratio), ratio.median <= limit)


def _bare(run: Run) -> Iterator[Bar]:
    length = 1_000
    for server, pairs in _BARE.items():
        for subject, bare, limit in pairs:
            ratio = run.ratio((server, subject, "append", length), (server, bare, "append", length))
            if ratio is not None:
                what = f"{server}, {subject}: append against {bare}"
                yield Bar(what, f"at most {limit} ×", str(ratio), ratio.median <= limit)


def _peers(run: Run) -> Iterator[Bar]:
    compared = (("window", 1_000, ("LlamaIndex",), 500.0), ("read", 10_000, _PEERS[:2], 4.0))
    for server in run.servers():
        # In memory, LlamaIndex returns its own list without copying it, so that is not compared.
        for workload, length, peers, limit in compared[: 1 if server == "memory" else 2]:
            for peer in peers:
                ratio = run.ratio(
                    (server, peer, workload, length), (server, "chatstore", workload, length)
                )
                if ratio is not None:
                    what = f"{server}: {workload} at {length:,}, {peer} against chatstore"
                    least = f"at least {short(limit)} × faster"
                    yield Bar(what, least, str(ratio), ratio.median >= limit)


def _trips(run: Run) -> Iterator[Bar]:
    for traffic in run.of_kind("traffic"):
        if traffic["subject"] in CHATSTORE and traffic["workload"] != "read":
            what = (
                f"{traffic['server']}, {traffic['subject']}: round trips of {traffic['workload']}"
            )
            trips, most = traffic["round_trips"], 2 if traffic["server"] in _TWO_TRIPS else 1
            yield Bar(what, f"at most {most}", str(trips), trips <= most)
        if (traffic["subject"], traffic["workload"]) == ("chatstore", "append"):
            units = traffic["units"].get("write units")
            if units is not None:
                what = f"{traffic['server']}, chatstore: write units of an append"
                yield Bar(what, "at most 5", short(units), units <= 5)


def _writers(run: Run) -> Iterator[Bar]:
    races = run.of_kind("writers")
    for race in races:
        if race["subject"] not in CHATSTORE:
            continue
        others = [
            other
            for other in races
            if (other["server"], other["keys"]) == (race["server"], race["keys"])
            and other["subject"] in _PEERS
            and other["stored"] == other["acknowledged"]
            and not other["errors"]
        ]
        best = max(others, key=lambda other: median(other["rates"]), default=None)
        where = f"{race['server']}, {race['subject']}: {race['writers']} writers on {race['keys']}"
        lost = race["acknowledged"] - (race["stored"] or 0)
        yield Bar(f"{where}, lost or doubled", "0", str(lost), lost == 0 and not race["errors"])
        if best is not None:
            ratio = Ratio.of(race["rates"], best["rates"])
            what = f"{where}, throughput against {best['subject']}, the best that lost nothing"
            yield Bar(what, "at least 1 ×", str(ratio), ratio.median >= 1)


def _imports(run: Run) -> Iterator[Bar]:
    for result in run.of_kind("import"):
        if result["subject"] == "chatstore core, after pydantic and one model":
            milliseconds = result["seconds"] * 1000
            what = "import chatstore.core beyond pydantic"
            yield Bar(what, "at most 20 ms", f"{milliseconds:.0f} ms", milliseconds <= 20)
