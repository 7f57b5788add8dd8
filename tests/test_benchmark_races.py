"""The benchmarks let writers append at the same time, and compare them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from benchmark_results import bars, calls, page, race
from benchmarks import measure
from benchmarks.matrix import PEERS, SUBJECTS
from benchmarks.promises import ONCE, ORDER, WRITERS, not_kept
from benchmarks.race import Settings
from benchmarks.race import write as write_together
from scripts.workspace import ROOT

T = TypeVar("T")
TINY = Settings(1, 1, (1, 1), 1, 1.0)


@pytest.mark.parametrize(
    ("rate", "stored", "is_met"), [(6, 100, True), (4, 100, False), (4, 90, True)]
)
def test_tasks_are_compared_with_the_best_peer_that_lost_nothing(
    rate: float, stored: int, is_met: bool
) -> None:
    judged = bars(
        race("chatstore async", 6, rate, 6, tasks=64, keys=64) | {"rates": [rate] * 3},
        race("LlamaIndex", 2.5, 2.5, 2.5, tasks=64, keys=64, stored=stored),
        race("LangChain", 2, 2, 2, tasks=64, keys=64),
        race("OpenAI Agents", 90, tasks=64, keys=1),
        race("bare redis.asyncio", 90, tasks=64, keys=64, stored=None),
    )
    [met] = [value for what, value in judged.items() if "appends against" in what]
    assert met == is_met
    assert judged["redis, chatstore async: 64 tasks of a process on 64, lost or doubled"]


@pytest.mark.parametrize(("floor", "is_met"), [(1.1, True), (1.3, False)])
def test_processes_are_compared_with_the_floor_of_their_mode(floor: float, is_met: bool) -> None:
    name = "bare redis, same promises"
    judged = bars(
        race("chatstore", 1, 1, 1),
        race("chatstore async", 1, 1, 1),
        race(name, floor, floor, floor, stored=None),
        race("LlamaIndex", 9, 9, 9),  # keeps fewer promises
    )
    compared = {what: met for what, met in judged.items() if "lost" not in what}
    what = f"redis, chatstore: 16 processes on 1, appends of {name} against it"
    assert compared == {what: is_met}


def test_a_peer_with_the_same_promises_must_not_make_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.bars.not_kept", lambda server, subject: ())
    judged = bars(race("chatstore", 1, 1), race("LlamaIndex", 2, 2), race("LangChain", 1, 1))
    what = "redis, chatstore: 16 processes on 1, appends against LlamaIndex"
    assert [met for name, met in judged.items() if name.startswith(what)] == [False]


def test_what_peers_do_not_keep_is_what_the_comparison_shows() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    table = text[text.index("## Promises kept and broken") : text.index("## What each check does")]
    heads, _, *rows = [line.strip("| ").split(" | ") for line in table.splitlines() if "|" in line]
    names = {"Order": ORDER, "Concurrent writers": WRITERS, "Exactly once": ONCE}
    compared = {peer.lower().replace(" ", "-").replace("llamaindex", "llama-index"): peer
                for peer in PEERS}  # fmt: skip
    seen = set()
    for name, *cells in rows:
        library, _, server = name[1 : name.index("]")].rpartition("-")
        if library in compared and compared[library] in SUBJECTS[server]:
            shown = dict(zip(heads[1:], cells, strict=True))
            lacks = tuple(names[one] for one in names if shown[one] != "kept")
            assert not_kept(server, compared[library]) == lacks or server == "memory", name
            seen.add((server, compared[library]))
    peers = {(one, peer) for one in ("sqlite", "redis", "postgres") for peer in SUBJECTS[one]}
    assert seen >= {one for one in peers if one[1] in PEERS}


def test_messages_that_were_lost_miss_the_bar() -> None:
    judged = bars(race("chatstore", 1, stored=99))
    assert judged["redis, chatstore: 16 processes on 1, lost or doubled"] is False


def test_writers_that_failed_are_compared_with_nothing() -> None:
    failed = race("chatstore", 0, stored=0) | {"acknowledged": 0, "errors": ["no"]}
    judged = bars(failed, race("bare redis, same promises", 1, stored=None))
    assert judged == {"redis, chatstore: 16 processes on 1, lost or doubled": False}


def test_the_page_says_who_makes_more_appends_and_what_they_do_not_keep() -> None:
    text = page(
        calls("chatstore", "append", 10, [1]),
        race("chatstore", 1, 1),
        race("LlamaIndex", 3, 3),
        race("LangChain", 0.5, 0.5),
        race("bare redis", 4, 4, stored=None),
        race("chatstore async", 1, 1, tasks=64, keys=64),
        race("OpenAI Agents", 2, 2, tasks=64, keys=64, stored=103),
    )
    more = "| redis | 16 processes on 1 | LlamaIndex | 3 × (3 to 3) | exactly once |"
    assert more in text[: text.index("## The bars")]
    beside = text.index("| LlamaIndex | 1 | 3 | 0 | 0 | exactly once |")
    assert text.index("| chatstore | 1 | 1 | 0 | 0 |  |") < beside
    assert text.index("| bare redis | 1 | 4 | ? | 0 | exactly once |") < beside
    assert beside < text.index("| LangChain | 1 | 0 | 0 | 0 | exactly once |")
    assert "| OpenAI Agents | 64 | 2 | -3 | 0 | exactly once |" in text


class Appending:
    """A package whose third append fails."""

    def __init__(self) -> None:
        self.count = 0

    def append(self, key: str) -> None:
        self.count += 1
        if self.count == 3:
            raise ValueError(key)


class Awaited(Appending):
    IS_ASYNC = True

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        self.runs += 1
        return asyncio.run(work)

    async def async_append(self, key: str) -> None:
        self.append(key)


def test_writers_note_what_fails_and_await_all_in_one_coroutine() -> None:
    awaited = Awaited()
    for subject in (Appending(), awaited):
        tally = write_together(subject, ["key"], 5)
        assert (tally.done, tally.errors) == (4, ["ValueError: key"])
    assert awaited.runs == 1


def test_tasks_append_at_the_same_time() -> None:
    class Gathered(Awaited):
        IS_ASYNC = False  # there are sync methods, too

        def __init__(self) -> None:
            super().__init__()
            self.keys: list[str] = []

        async def async_append(self, key: str) -> None:
            self.keys.append(key)
            await asyncio.sleep(0)

    subject = Gathered()
    tally = write_together(subject, ["a", "b", "a"], 2)
    assert (tally.done, subject.keys) == (6, ["a", "b", "a"] * 2)
    assert write_together(subject, ["a", "b"], 5, seconds=-1).done == 0


def test_writers_are_spread_over_the_conversations() -> None:
    settings = Settings(2, 3, (1, 6), 10, 1.0)
    assert settings.keys_of(1, ["a"]) == ["a"] * 3
    assert settings.keys_of(1, list("abcdef")) == ["d", "e", "f"]


def test_writers_that_end_early_are_recorded() -> None:
    [one, many] = measure._race("bare sqlite3", "sqlite:////no/such/folder", TINY)
    assert one == many
    assert (one["acknowledged"], one["stored"]) == (0, 0)
    assert one["errors"] == ["the writers ended with code 1"]


def test_writers_that_hang_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_RACE_TIME", 0.01)
    [one, _] = measure._race("bare sqlite3", "sqlite:////no/such/folder", TINY)
    assert one["errors"] == ["the writers did not end within 0 seconds"]
