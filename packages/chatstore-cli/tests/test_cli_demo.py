"""``chatstore demo`` and ``chatstore bench``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import COMMAND, SECONDS, piped, succeeded

from chatstore.cli.benchmark import STEPS, measure
from chatstore.core import SimpleChatStore, open_store
from chatstore.core.testing.messages import message

ROOT = Path(__file__).parents[3]


def create(url: str) -> None:
    with open_store(url) as store:
        store.add_message("chat/1", message("hi"))


def keys(url: str) -> list[str]:
    with open_store(url) as store:
        return sorted(store.get_keys())


def output_of(*command: str, folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "80",
            # No vocabulary can be loaded or downloaded, so both programs estimate tokens.
            "TIKTOKEN_CACHE_DIR": str(folder / "vocabulary"),
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return re.sub(r"process \d+", "process N", done.stdout)


def test_both_demos_show_the_same(tmp_path: Path) -> None:
    command = output_of(*COMMAND, "demo", folder=tmp_path).splitlines()
    make = output_of(sys.executable, "-m", "examples.demo", folder=tmp_path).splitlines()

    assert command[:-1] == make[:-1]
    assert command[-1] == "Everything was deleted again."
    assert make[-1].startswith("The database: ")
    assert "process N continued it: 18 messages" in command


def test_demo_on_a_database(each_store_url: str, tmp_path: Path) -> None:
    create(each_store_url)

    output = output_of(*COMMAND, "demo", each_store_url, folder=tmp_path)

    assert "process N started a conversation: 9 messages" in output
    assert "process N continued it: 18 messages" in output
    assert output.count("accepted") == 4
    assert keys(each_store_url) == ["chat/1"]


def test_bench(each_store_url: str) -> None:
    create(each_store_url)

    results = succeeded("bench", "--messages", 100, "--json", each_store_url).records

    assert [result["call"] for result in results][-2:] == ["add_message", "add_message, 8 threads"]
    for result in results[:-1]:
        assert 0 < result["median_ms"] <= result["p95_ms"]
        assert 0 < result["median_long_ms"] <= result["p95_long_ms"]
    assert results[-1]["a_second"] > 0
    assert keys(each_store_url) == ["chat/1"]


def test_bench_as_text(store_url: str) -> None:
    create(store_url)

    lines = succeeded("bench", "--messages", 100, store_url).out.splitlines()

    assert lines[0].endswith("a conversation of 10 messages, and one of 100")
    assert len(lines) == 8
    assert lines[-1].startswith("8 threads append ")
    assert piped("bench", "--messages", 1, store_url).code == 2


def test_every_step_is_reported() -> None:
    steps: list[int] = []

    with SimpleChatStore() as store:
        measure(store, 100, steps.append)
        length = store.count_messages("long")

    assert sum(steps) == STEPS
    assert length == 141


def test_an_interrupted_bench_cleans_up(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from chatstore.cli import benchmark

    create(store_url)

    def interrupt(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "_appends_a_second", interrupt)
    assert piped("bench", "--messages", 100, store_url).code == 130
    assert keys(store_url) == ["chat/1"]
