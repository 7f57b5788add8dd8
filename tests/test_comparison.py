"""This project's stores keep their promises, and the page shows what a run has found."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comparison import page, run
from comparison.checks.window import begins_with_user, conversation, violations
from comparison.lab import Outcome, Store, open_lab
from comparison.not_promised import REASONS, reason_of
from comparison.promises import PROMISES, check_of, sentence_of
from comparison.servers import Files, Memory, Server, start
from comparison.subjects import SUBJECTS, is_of_this_project

ROOT = Path(__file__).resolve().parent.parent
CHATSTORE = Store("comparison.adapters.chatstore")


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    """Start a server of these tests' own: checks empty it and restart it."""
    with start("redis") as server:
        yield server


@pytest.mark.parametrize("promise", [name for name in PROMISES if name != "healing"])
def test_the_sqlite_store_keeps_its_promises(promise: str, tmp_path: Path) -> None:
    with open_lab(CHATSTORE, Files(tmp_path, "sqlite"), "calls") as lab:
        outcome = check_of(promise)(lab)

    assert outcome.passed, outcome.text


@pytest.mark.parametrize("promise", ["once", "failures", "healing"])
def test_the_redis_store_keeps_what_needs_a_server(promise: str, redis: Server) -> None:
    with open_lab(CHATSTORE, redis) as lab:
        outcome = check_of(promise)(lab)

    assert outcome.passed, outcome.text


def test_a_damaged_message_in_postgres_is_noticed() -> None:
    with start("postgres") as server, open_lab(CHATSTORE, server) as lab:
        outcome = check_of("failures")(lab)

    assert outcome.passed, outcome.text


def test_a_run_makes_each_check_with_workers_of_a_fork_server() -> None:
    progress = io.StringIO()

    results = run.run_all(["chatstore-sqlite"], ["writers", "keys"], progress)

    assert [result["promise"] for result in results] == ["writers", "keys"]
    assert all(result["passed"] for result in results)
    assert progress.getvalue().count("chatstore-sqlite") == 2


@pytest.mark.parametrize("promise", ["order", "writers", "sharing"])
def test_a_store_in_memory_is_checked_in_one_process(promise: str) -> None:
    with open_lab(CHATSTORE, Memory()) as lab:
        outcome = check_of(promise)(lab)

    assert outcome.passed, outcome.text


@pytest.mark.parametrize("promise", ["atomic", "failures", "healing"])
def test_what_needs_a_server_does_not_apply_in_memory(promise: str) -> None:
    with open_lab(CHATSTORE, Memory()) as lab:
        assert check_of(promise)(lab).passed is None


def test_rules_of_windows_accept_whole_turns_and_refuse_parts() -> None:
    messages = conversation()
    newest = messages[-1]["text"]

    assert violations(messages, newest) == []
    assert violations([], newest) == ["are empty"]
    assert violations(messages[:-1], newest) == ["lack the newest message"]
    assert violations(messages[2:], newest) == ["have a tool result without its call"] * 2
    assert violations([*messages[:2], *messages[3:]], newest) == [
        "have a tool call without its result"
    ]
    assert begins_with_user(messages)
    assert not begins_with_user(messages[1:])


def result(store: str, promise: str, **fields: Any) -> dict[str, Any]:
    return {"store": store, "promise": promise, **vars(Outcome(True, "seen")), **fields}


def test_the_page_begins_with_what_peers_do_better() -> None:
    results = [
        result("chatstore-redis", "cost", figures={"append at 20": 0.002}),
        result("chatstore-redis", "size", passed=False),
        result("llama-index-redis", "cost", figures={"append at 20": 0.001}),
        result("llama-index-redis", "size"),
        result("llama-index-redis", "order", passed=False, text="are read as <b>"),
        result("llama-index-redis", "atomic", passed=None),
    ]

    text = page.render(results, {"redis": "8"}, "2026-11-26")

    assert text.index("## Where a peer is better") < text.index("## Promises kept and broken")
    assert "- Size: kept by llama-index-redis, broken by chatstore-redis." in text
    assert "| llama-index-redis | append at 20 | 2 × |" in text
    assert "| [llama-index-redis](#llama-index-redis) | **broken** | n/a |" in text
    assert "are read as \\<b>" in text
    assert "`python -m comparison llama-index-redis order`" in text


def test_a_failure_of_what_was_never_promised_is_not_called_broken() -> None:
    failed = result("langgraph-sqlite", "writers", passed=False)

    assert page.word(failed) == "not promised"
    assert page.word({**failed, "passed": True}) == "kept"
    assert page.word({**failed, "store": "chatstore-sqlite"}) == "broken"


def test_every_reason_is_of_a_store_and_a_promise() -> None:
    libraries = {subject.library for subject in SUBJECTS.values()}

    for who, promise in REASONS:
        assert who in libraries or who in SUBJECTS, who
        assert promise in PROMISES, promise
    assert not any(
        reason_of(name, promise)
        for name in SUBJECTS
        if is_of_this_project(name)
        for promise in PROMISES
    )


def test_the_published_page_has_the_reasons_of_the_code() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text()
    rows = re.findall(
        r"^\| [^|]+ \| (broken|not promised) \| (.*) \| `python -m comparison (\S+) (\S+)`",
        text,
        re.MULTILINE,
    )

    assert rows
    for word, seen, name, promise in rows:
        reason = reason_of(name, promise)
        assert (word == "broken") == (reason is None), (name, promise)
        assert reason is None or seen.endswith(f"**Not promised**: {reason}"), (name, promise)


def test_the_published_page_has_a_cell_for_every_store_and_promise() -> None:
    text = (ROOT / "docs" / "comparison.md").read_text()

    for name in SUBJECTS:
        for promise in PROMISES:
            assert f"`python -m comparison {name} {promise}`" in text
    assert all(sentence_of(promise) in text for promise in PROMISES)
    rows = re.findall(r"^\| \[chatstore-\w+\].*$", text, re.MULTILINE)
    assert len(rows) == 3
    assert not any("broken" in row for row in rows)
