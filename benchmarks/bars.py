"""The bars: limits that this project set itself, compared with the measured ratios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from benchmarks.figures import Ratio, Result, Run, short, writers
from benchmarks.matrix import CHATSTORE, FLOORS, PEERS
from benchmarks.promises import not_kept

_BARE = {
    "sqlite": (("chatstore", "bare sqlite3", 1.7),),
    "redis": (
        ("chatstore", "bare redis", 1.6),
        ("chatstore async", "bare redis.asyncio", 1.6),
    ),
    "postgres": (
        ("chatstore", "bare psycopg", 1.6),
        ("chatstore async", "bare asyncpg", 1.6),
    ),
}
_TWO_TRIPS = ("dynamodb", "azure", "cosmos")
"""Servers without server-side code: a store reads the head before the records."""
_FASTER = (
    ("window", 1_000, "LlamaIndex", 500.0),
    ("read", 10_000, "LlamaIndex", 4.0),
    ("read", 10_000, "LangChain", 4.0),
    ("read", 10_000, "OpenAI Agents", 1.0),
)
"""How many times as long as `chatstore` a peer must take: (call, length, peer, times)."""
_TASKS = {"redis": 2.0, "upstash": 2.0, "postgres": 1.5}
"""How many times the appends of the best peer many tasks of a process must make."""
_FLOOR = 1.2
"""How many times as many appends the floor may make."""


class Bar(NamedTuple):
    """A limit and the measured value."""

    what: str
    limit: str
    measured: str
    is_met: bool


def judge(run: Run) -> list[Bar]:
    """Return the bars that a run measured, missed ones first."""
    bars = [
        *_flat(run),
        *_bare(run),
        *_windows(run),
        *_peers(run),
        *_sets(run),
        *_trips(run),
        *_writers(run),
        *_imports(run),
    ]
    return sorted(bars, key=lambda bar: bar.is_met)


def _flat(run: Run) -> Iterator[Bar]:
    for server in run.servers():
        for subject in CHATSTORE:
            for workload, base, limit in (("append", 10, 1.2), ("window", 100, 1.5)):
                longest = max(run.lengths(server, workload), default=0)
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


def _windows(run: Run) -> Iterator[Bar]:
    for server in ("sqlite", "redis", "postgres"):
        ratio = run.ratio(
            *((server, subject, "window", 1_000) for subject in ("chatstore", "OpenAI Agents"))
        )
        if ratio is not None:
            what = f"{server}: window at 1,000 against OpenAI Agents"
            yield Bar(what, "at most 1.2 ×", str(ratio), ratio.median <= 1.2)


def _peers(run: Run) -> Iterator[Bar]:
    for server in run.servers():
        for workload, length, peer, limit in _FASTER:
            ratio = run.ratio(
                (server, peer, workload, length), (server, "chatstore", workload, length)
            )
            # In memory, LlamaIndex returns its own list without copying it.
            if ratio is not None and (server, workload) != ("memory", "read"):
                what = f"{server}: {workload} at {length:,}, {peer} against chatstore"
                least = f"at least {short(limit)} × faster"
                yield Bar(what, least, str(ratio), ratio.median >= limit)


def _sets(run: Run) -> Iterator[Bar]:
    for server in run.servers():
        own = (server, "chatstore", "set", 10_000)
        ratios = {
            peer: ratio
            for peer in PEERS
            if (ratio := run.ratio(own, (server, peer, "set", 10_000))) is not None
        }
        if ratios and server != "memory":
            best = max(ratios, key=lambda peer: ratios[peer].median)
            what = f"{server}: set of 10,000 against {best}, the fastest peer"
            is_met = ratios[best].median <= 1.5
            yield Bar(what, "at most 1.5 ×", str(ratios[best]), is_met)


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
    for race in run.of_kind("writers"):
        if race["subject"] in CHATSTORE:
            where = f"{race['server']}, {race['subject']}: {writers(race)}"
            lost = race["acknowledged"] - (race["stored"] or 0)
            is_met = lost == 0 and not race["errors"]
            yield Bar(f"{where}, lost or doubled", "0", str(lost), is_met)
            yield from _tasks(run, race, where) if race["tasks"] > 1 else ()
            yield from _processes(run, race, where) if race["tasks"] == 1 else ()


def _tasks(run: Run, race: Result, where: str) -> Iterator[Bar]:
    limit = _TASKS.get(race["server"])
    best = _best(peer for peer in _peers_of(run, race) if _loses_nothing(peer))
    if best is not None and limit is not None:
        ratio = Ratio.of(race["rates"], best["rates"])
        what = f"{where}, appends against {best['subject']}, the best peer that lost nothing"
        yield Bar(what, f"at least {limit} ×", str(ratio), ratio.median >= limit)


def _processes(run: Run, race: Result, where: str) -> Iterator[Bar]:
    best = _best(
        peer
        for peer in _peers_of(run, race)
        if _loses_nothing(peer) and not not_kept(race["server"], peer["subject"])
    )
    if best is not None:
        ratio = Ratio.of(race["rates"], best["rates"])
        what = f"{where}, appends against {best['subject']}, the best with the same promises"
        yield Bar(what, "at least 1 ×", str(ratio), ratio.median >= 1)
    floor = FLOORS.get(race["server"], {}).get(race["subject"])
    for other in run.rivals(race):
        if other["subject"] == floor and race["keys"] == 1 and all(race["rates"]):
            ratio = Ratio.of(other["rates"], race["rates"])
            what = f"{where}, appends of {floor} against it"
            yield Bar(what, f"at most {_FLOOR} ×", str(ratio), ratio.median <= _FLOOR)


def _peers_of(run: Run, race: Result) -> Iterator[Result]:
    return (other for other in run.rivals(race) if other["subject"] in PEERS)


def _loses_nothing(race: Result) -> bool:
    is_whole = race["stored"] == race["acknowledged"] and not race["errors"]
    return bool(is_whole and all(race["rates"]))


def _best(races: Iterable[Result]) -> Result | None:
    return max(races, key=lambda race: median(race["rates"]), default=None)


def _imports(run: Run) -> Iterator[Bar]:
    for result in run.of_kind("import"):
        if result["subject"] == "chatstore core, after pydantic and one model":
            milliseconds = result["seconds"] * 1000
            what = "import chatstore.core beyond pydantic"
            yield Bar(what, "at most 20 ms", f"{milliseconds:.0f} ms", milliseconds <= 20)
