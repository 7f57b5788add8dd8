"""What the benchmarks say of a run is what the run says."""

from __future__ import annotations

import pytest
from benchmarks import measure, servers
from benchmarks.bars import judge
from benchmarks.figures import Run, duration, median, p99
from benchmarks.plan import CALLS, SUBJECTS, full, quick
from benchmarks.report import write


def calls(subject, workload, length, *rounds, server="redis"):
    return {
        "kind": "calls",
        "server": server,
        "subject": subject,
        "workload": workload,
        "length": length,
        "seconds": [list(one) for one in rounds],
        "errors": [],
        "peak_memory": 5_000_000,
    }


def race(subject, *rates, kept=100, keys=1):
    return {
        "kind": "writers",
        "server": "redis",
        "subject": subject,
        "writers": 16,
        "keys": keys,
        "acknowledged": 100,
        "kept": kept,
        "errors": [],
        "rates": list(rates),
    }


def test_figures_are_medians_of_rounds():
    cell = calls("chatstore", "append", 10, [1, 2, 9], [4, 4, 4])
    run = Run([cell, calls("bare redis", "append", 10, [1, 1, 1], [1, 1, 1])])
    ratio = run.ratio(("redis", "chatstore", "append", 10), ("redis", "bare redis", "append", 10))

    assert (median(cell), p99(cell)) == (4, 9)
    assert ratio == (3, 2, 4)
    assert str(ratio) == "3 × (2 to 4)"
    assert run.ratio(("redis", "chatstore", "append", 10), ("no", "no", "no", 1)) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (0.00045, "450 µs"), (2e-7, "0.2 µs")],
)
def test_durations_have_a_unit_that_suits(seconds, text):
    assert duration(seconds) == text


def bars(*results):
    return {bar.what: bar.is_met for bar in judge(Run(results))}


@pytest.mark.parametrize(("cost", "is_met"), [(1.1, True), (1.3, False)])
def test_an_append_must_stay_flat(cost, is_met):
    found = bars(
        calls("chatstore", "append", 10, [1]), calls("chatstore", "append", 100_000, [cost])
    )
    assert found == {"redis, chatstore: append at 100,000 against 10": is_met}


@pytest.mark.parametrize(
    ("ours", "kept", "is_met"),
    [([3, 1, 3], 100, True), ([1, 9, 1], 100, False), ([1, 9, 1], 90, True)],
)
def test_writers_are_compared_with_the_best_that_lost_nothing(ours, kept, is_met):
    results = [
        race("chatstore", *ours),
        race("LlamaIndex", 2, 2, 2, kept=kept),
        race("LangChain", 1, 9, 0.5),
    ]
    found = {bar.what: bar.is_met for bar in judge(Run(results))}
    [met] = [value for what, value in found.items() if "throughput" in what]
    assert met == is_met


def test_messages_that_were_lost_miss_the_bar():
    found = bars(race("chatstore", 1, kept=99))
    assert found["redis, chatstore: 16 writers on 1, lost or doubled"] is False


def test_the_page_says_first_where_others_are_faster():
    page = write(
        {
            "machine": "a machine",
            "versions": {"redis": "1"},
            "rounds": 2,
            "results": [
                calls("chatstore", "append", 1_000, [4], [4]),
                calls("bare redis", "append", 1_000, [2], [2]),
                {
                    "kind": "failure",
                    "server": "redis",
                    "subject": "LangChain",
                    "length": 10,
                    "error": "a|b\nc",
                },
                race("chatstore", 1),
            ],
        }
    )
    beaten, missed = (
        page.index("| redis | append | 1,000 | bare redis | 2 × (2 to 2) |"),
        page.index("**missed**"),
    )
    assert beaten < missed < page.index("## Redis")
    assert "| LangChain | 10 | a/b c |" in page
    assert "a machine" in page


def test_ticks_are_counted_before_they_come(monkeypatch):
    """The progress bar ends where the run does."""

    class Silent:
        def __init__(self, name, url):
            pass

        def do(self, workload, *arguments, repeat=1):
            return {"seconds": [0.001] * repeat, "errors": [], "peak_memory": 1}

        def stop(self):
            pass

    ticks = []
    monkeypatch.setattr(measure, "Worker", Silent)
    outcome = {"acknowledged": 4, "kept": 3, "errors": [], "seconds": 2}
    monkeypatch.setattr(measure, "_race", lambda *arguments: outcome)
    plan = quick()._replace(servers=("sqlite", "memory"))
    results = measure.run(plan, ticks.append)

    races = [result for result in results if result["kind"] == "writers"]
    assert len(races) == 2 * len(SUBJECTS["sqlite"])
    for result in races:
        assert (result["acknowledged"], result["kept"]) == (12, 9)
        assert result["rates"] == [2, 2, 2]

    assert len(ticks) == measure.steps(plan)


def test_the_whole_plan_measures_everything():
    assert set(full().servers) == set(SUBJECTS)
    assert full().workloads == tuple(CALLS)
    assert max(full().lengths) == 100_000
    with pytest.raises(KeyError), servers.start("nothing"):
        pass
