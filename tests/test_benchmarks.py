"""The benchmarks report what they measured."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from typing import Any, TypeVar

import pytest
import tomllib
from benchmark_results import bars, calls, page, race
from benchmarks import measure, servers, workers
from benchmarks.figures import Run, duration, median, p99
from benchmarks.installed import weigh
from benchmarks.matrix import ASYNC, CALLS, SUBJECTS, full, quick
from benchmarks.race import Settings
from benchmarks.report import problems
from benchmarks.slices import Slices
from packaging.requirements import Requirement
from scripts.workspace import ROOT

T = TypeVar("T")
TINY = Settings(1, 1, (1, 1), 1, 1.0)


def test_figures_are_medians_of_rounds() -> None:
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
def test_durations_have_a_unit_that_suits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("cost", "is_met"), [(1.1, True), (1.3, False)])
def test_an_append_must_stay_flat(cost: float, is_met: bool) -> None:
    judged = bars(
        calls("chatstore", "append", 10, [1]), calls("chatstore", "append", 100_000, [cost])
    )
    assert judged == {"redis, chatstore: append at 100,000 against 10": is_met}


def test_a_set_is_compared_with_the_fastest_peer() -> None:
    judged = bars(
        calls("chatstore", "set", 10_000, [1.4]),
        calls("LlamaIndex", "set", 10_000, [2]),
        calls("OpenAI Agents", "set", 10_000, [1]),
        calls("bare redis", "set", 10_000, [0.1]),
    )
    assert judged == {"redis: set of 10,000 against OpenAI Agents, the fastest peer": True}


def test_a_window_is_compared_with_the_newest_messages_of_openai_agents() -> None:
    judged = bars(
        calls("chatstore", "window", 1_000, [1.3]), calls("OpenAI Agents", "window", 1_000, [1])
    )
    assert judged == {"redis: window at 1,000 against OpenAI Agents": False}


def failure(subject: str, server: str = "redis", **changes: Any) -> dict[str, Any]:
    kinds = {"kind": "failure", "server": server, "subject": subject, "workload": "read"}
    return {**kinds, "length": 10, "error": "a|b\nc", **changes}


def test_the_page_says_first_where_others_are_faster() -> None:
    text = page(
        calls("chatstore", "append", 100, [1], [1]),
        calls("bare redis", "append", 100, [2], [2]),
        calls("chatstore", "append", 1_000, [4], [4]),
        calls("bare redis", "append", 1_000, [2], [2]),
        failure("LangChain"),
        race("chatstore", 1),
    )
    assert "| server | call | who | 100 | 1,000 |" in text
    beaten = text.index("| redis | append | bare redis |  | 2 × (2 to 2) |")
    assert beaten < text.index("**missed**") < text.index("## Redis")
    assert "| LangChain | read | 10 | always | a/b c |" in text
    assert "a machine" in text


def test_the_page_begins_with_a_chart_and_what_it_shows() -> None:
    text = page(
        calls("chatstore", "append", 10, [1e-6]),
        calls("chatstore", "append", 100, [3e-6]),
        calls("chatstore", "append", 1_000, [2e-6]),
        calls("chatstore", "window", 100, [3e-6]),
    )
    beginning = text[: text.index("## How it is measured")]
    assert "](charts/redis.svg)" in beginning
    assert "An append on Redis takes 1 µs at 10 and 2 µs at 1,000 messages." in beginning
    assert "window" not in beginning  # one length says nothing about flatness


def test_the_published_page_begins_so_too() -> None:
    published = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    beginning = published[: published.index("## How it is measured")]
    redis = published[published.index("## Redis") :]
    tables = re.findall(r"^\|  \| (.*) \|\n.*\n\| chatstore \| (.*) \|$", redis, re.MULTILINE)
    for table, what in zip(tables, ("An append", "A window of 3,000 tokens"), strict=False):
        lengths, cells = (row.split(" | ") for row in table)
        sentence = re.search(f"{what} on Redis takes (.*) at (.*) and (.*) at (.*) mess", beginning)
        assert sentence
        for time, length in (sentence.groups()[:2], sentence.groups()[2:]):
            assert cells[lengths.index(length)].startswith(f"{time} / ")


def test_subjects_come_in_the_order_of_the_plan() -> None:
    names = ["bare redis", "OpenAI Agents", "chatstore async", "chatstore"]
    run = Run([calls(name, "append", 10, [1]) for name in names])
    assert run.subjects("redis") == names[::-1]


def test_the_page_shows_calls_that_failed_among_others() -> None:
    cell = calls("LangChain", "append", 10, [1, 1, 1]) | {"errors": ["no"]}
    assert "| LangChain | append | 10 | 1 of 4 | no |" in page(cell)


def test_units_have_the_names_that_a_service_gives_them() -> None:
    traffic = {
        "kind": "traffic",
        "server": "cosmos",
        "subject": "chatstore",
        "workload": "append",
        "length": 100,
        "round_trips": 1,
        "sent": 2_000,
        "received": 3,
        "units": {"request units": 10.04},
    }
    text = page(calls("chatstore", "append", 10, [1], server="cosmos"), traffic)
    assert "| bytes received | request units |" in text
    assert "| chatstore | append | 100 | 1 | 2,000 | 3 | 10 |" in text
    assert bars(traffic)["cosmos, chatstore: round trips of append"]
    assert not bars({**traffic, "server": "upstash", "round_trips": 2}).popitem()[1]


@pytest.mark.parametrize(
    ("results", "count"),
    [
        ([failure("LangChain"), calls("chatstore", "append", 10, [1])], 0),
        ([failure("bare redis"), failure("chatstore async")], 2),
        ([calls("chatstore", "append", 10, [1]) | {"errors": ["no", "no"]}], 1),
        ([race("chatstore", 1) | {"errors": ["no"]}], 1),
    ],
)
def test_what_fails_on_our_side_is_a_problem_and_a_peers_failure_a_result(
    results: list[dict[str, Any]], count: int
) -> None:
    assert len(problems(results)) == count


class Package:
    """A package without a process, whose calls report a given time.

    It records the calls and how many messages a conversation has.
    """

    seconds = 0.001

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.made: list[tuple[str, str, int, int]] = []
        self.sizes: dict[str, int] = {}

    def call(
        self, workload: str, *arguments: Any, calls: int = 1, warm_ups: int = 0
    ) -> dict[str, Any]:
        if workload == "window" and self.name.startswith("bare"):
            return {"missing": True}
        key = arguments[0]
        self.made.append((workload, key, calls, warm_ups))
        if workload == "set":
            self.sizes[key] = arguments[1]
        change = {"append": 1, "delete last": -1}.get(workload, 0)
        self.sizes[key] = self.sizes.get(key, 0) + change * (calls + warm_ups)
        errors = ["too long"] if self.name == "LangChain" and self.sizes[key] > 500 else []
        taken = [] if errors else [self.seconds] * calls
        return {"seconds": taken, "errors": errors, "peak_memory": 1}

    def stop(self) -> None:
        pass


def slices(
    seconds: float = 0.001, name: str = "chatstore", **changes: Any
) -> tuple[Package, Slices]:
    package = Package(name, "")
    package.seconds = seconds
    lengths = dict.fromkeys(CALLS, (10, 1_000))
    matrix = full()._replace(**{"lengths": lengths, "rounds": 5, **changes})
    return package, Slices(matrix, "sqlite", {name: package}, lambda _: None)  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("seconds", "counted", "rounds"), [(0.001, 100, 5), (0.1, 20, 5), (0.6, 1, 2), (3, 1, 2)]
)
def test_fast_calls_take_several_turns_and_slow_ones_are_made_once(
    seconds: float, counted: int, rounds: int
) -> None:
    _, measured = slices(seconds, workloads=("append",))
    measured.fill()
    measured.measure_all()
    for cell in measured.results():
        assert [len(one) for one in cell["seconds"]] == [counted] * rounds


def test_conversations_keep_their_lengths() -> None:
    package, measured = slices()
    measured.fill()
    for _ in range(3):
        measured.measure_all()
        assert {key: package.sizes[key] for key in ("10", "1000")} == {
            "10": 10,
            "1000": pytest.approx(1_000, rel=0.1),
        }


def test_heavy_calls_come_after_the_light_ones_of_a_round() -> None:
    package, measured = slices(rounds=1)
    measured.fill()
    del package.made[:]
    measured.measure_all()
    order = [workload for workload, key, *_ in package.made if key in {"10", "1000"}]
    heavy = order.index("read")
    assert {"append", "window", "delete last"} <= set(order[:heavy])
    assert set(order[heavy:]) == {"read"}
    assert package.made[-1][0] in {"read", "set"}


def test_what_a_package_cannot_hold_is_measured_no_further() -> None:
    _, measured = slices(name="LangChain")
    measured.fill()
    measured.measure_all()
    [failed] = measured.failures
    assert (failed["workload"], failed["length"]) == ("set", 1_000)
    assert measured.reach("LangChain") == 10
    assert {one["length"] for one in measured.results() if one["kind"] == "calls"} == {10}


def test_the_first_call_is_repeated_since_it_includes_imports() -> None:
    package, measured = slices(3, workloads=("window",))
    measured.fill()
    windows = [key for workload, key, *_ in package.made if workload == "window"]
    assert windows == ["10", "10", "1000"]


@pytest.mark.parametrize(("name", "longest"), [("OpenAI Agents", 10), ("chatstore", 1_000)])
def test_a_call_of_a_peer_that_would_take_too_long_is_not_tried(name: str, longest: int) -> None:
    package, measured = slices(0.5, name=name)
    measured.fill()
    assert measured.reach(name, "read") == longest
    assert (("read", "1000") in {one[:2] for one in package.made}) == (longest == 1_000)


def test_ticks_are_counted_before_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """The progress bar ends where the run does."""
    ticks: list[str] = []
    monkeypatch.setattr(workers, "Worker", Package)
    outcome = {"acknowledged": 4, "stored": 3, "errors": [], "seconds": 2}
    monkeypatch.setattr(measure, "_race", lambda *arguments: [outcome, outcome])
    matrix = quick()._replace(servers=("sqlite", "memory"))
    results = [result for one in measure.run(matrix, ticks.append) for result in one]

    writers = [result for result in results if result["kind"] == "writers"]
    asynchronous = set(SUBJECTS["sqlite"]) & set(ASYNC)
    assert len(writers) == 2 * (len(SUBJECTS["sqlite"]) + len(asynchronous))
    for result in writers:
        assert (result["acknowledged"], result["stored"]) == (8, 6)
        assert result["rates"] == [2, 2]
        assert (result["processes"], result["tasks"]) in {(4, 1), (1, 64)}

    assert len(ticks) == measure.steps(matrix)


def test_a_worker_that_ends_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    matrix = full()._replace(lengths=dict.fromkeys(CALLS, (10,)), rounds=1, workloads=("append",))
    with workers.workers(["bare sqlite3"], "sqlite:////no/such/folder") as subjects:
        measured = Slices(matrix, "sqlite", subjects, lambda _: None)
        measured.fill()
        measured.measure_all()
    [failed] = measured.results()
    assert failed["error"] == "the process ended with code 1"


def test_a_server_that_does_not_start_is_recorded() -> None:
    matrix = quick()._replace(servers=("nothing", "sqlite"))
    monkey = {**SUBJECTS, "nothing": ("chatstore",)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.matrix.SUBJECTS", monkey)
        patch.setattr(workers, "Worker", Package)
        patch.setattr(measure, "_write_together", lambda *arguments: [])
        failed, measured = measure.run(matrix, lambda _: None)
    assert failed[0]["error"] == "KeyError: 'nothing'"
    assert len(problems(failed)) == 1
    assert any(result["kind"] == "calls" for result in measured)


def test_the_environment_has_what_the_stores_need() -> None:
    lines = (ROOT / "benchmarks" / "requirements" / "chatstore.txt").read_text().splitlines()
    installed = {line.partition("==")[0].lower() for line in lines if "==" in line}
    for server in set(SUBJECTS) - {"memory"}:
        project = ROOT / "packages" / f"chatstore-{server}" / "pyproject.toml"
        for text in tomllib.loads(project.read_text())["project"]["dependencies"]:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate():
                assert needed.name in installed or needed.name.startswith("chatstore-"), text


def distribution(
    folder: Path, name: str, requires: Sequence[str] = (), size: int = 100
) -> Distribution:
    """Install a distribution of one file."""
    metadata = folder / f"{name}-1.dist-info"
    metadata.mkdir(parents=True)
    lines = [f"Name: {name}", "Version: 1", *(f"Requires-Dist: {one}" for one in requires)]
    (metadata / "METADATA").write_text("\n".join(lines))
    (folder / f"{name}.py").write_text("#" * size)
    (folder / "__pycache__").mkdir(exist_ok=True)
    (folder / "__pycache__" / f"{name}.pyc").write_text("#" * size)
    (metadata / "RECORD").write_text(f"{name}.py,,\n__pycache__/{name}.pyc,,\n")
    return Distribution.at(metadata)


def test_an_installation_is_weighed_with_all_that_it_needs(tmp_path: Path) -> None:
    by_name: dict[str, Distribution] = {
        "a": distribution(tmp_path, "a", ["b>1; python_version > '3'", "c; extra == 'more'"]),
        "b": distribution(tmp_path, "b", ["a", "d; sys_platform == 'nowhere'"], 20),
        "c": distribution(tmp_path, "c", (), 3),
    }
    assert weigh(by_name, "a") == (2, 120)
    assert weigh(by_name, "a[more]") == (3, 123)
    with pytest.raises(PackageNotFoundError):
        weigh(by_name, "d")


def test_what_is_installed_editable_is_weighed_at_its_source(tmp_path: Path) -> None:
    editable = distribution(tmp_path / "site", "a", (), 1)
    source = tmp_path / "source" / "src" / "a"
    source.mkdir(parents=True)
    (source / "module.py").write_text("#" * 1_000)
    entry = {"url": source.parent.parent.as_uri(), "dir_info": {"editable": True}}
    (tmp_path / "site" / "a-1.dist-info" / "direct_url.json").write_text(json.dumps(entry))
    assert weigh({"a": editable}, "a") == (1, 1_001)


def test_the_whole_plan_measures_everything() -> None:
    assert set(full().servers) == set(SUBJECTS)
    assert full().workloads == tuple(CALLS)
    assert full().lengths_on("redis")[-1] == 100_000
    assert full().lengths_on("redis", "set") == (10, 1_000, 10_000)
    assert full().lengths_on("azure", "append") == (10, 1_000)
    assert full().lengths_on("upstash", "append") == (10, 1_000, 10_000)
    with pytest.raises(KeyError), servers.start("nothing"):
        pass
