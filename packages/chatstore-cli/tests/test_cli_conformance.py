"""``chatstore conformance``: correct and broken stores, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from command import COMMAND, SECONDS, Terminal, piped

from chatstore.core import open_store
from chatstore.core.testing.messages import message

BROKEN = """
import sys
from chatstore.cli import conformance
from chatstore.cli.conformance import harness
from chatstore.core import ChatStore
from chatstore.core.layers import RedactedBackend

open_existing = harness.open_existing

def open_broken(url, **options):
    store = open_existing(url, **options)
    change = lambda message: message.model_copy(update={"content": "lost"})
    return ChatStore(RedactedBackend(store.backend, change))

harness.open_existing = open_broken

from chatstore.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def create(url: str) -> None:
    with open_store(url) as store:
        store.add_message("chat/1", message("hi"))


def keys(url: str) -> list[str]:
    with open_store(url) as store:
        return sorted(store.get_keys())


def test_a_correct_store_passes(each_store_url: str) -> None:
    create(each_store_url)
    command = [*COMMAND, "conformance", "--only", "test_last or process or corrupt"]

    done = subprocess.run(
        [*command, "--json", each_store_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * SECONDS,
    )

    assert (done.returncode, done.stderr) == (0, "")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    statuses = {result["test"]: result["status"] for result in results}
    assert statuses["test_last[3]"] == "passed"
    assert set(statuses.values()) == {"passed", "skipped"}
    assert {result["reason"] for result in results if result["status"] == "skipped"} >= {
        "a live database is not damaged"
    }
    assert keys(each_store_url) == ["chat/1"]


def test_a_broken_store_fails(store_url: str) -> None:
    create(store_url)
    command = [sys.executable, "-c", BROKEN, "conformance", "--only", "test_last"]

    done = subprocess.run(
        [*command, "--details", store_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )

    assert done.returncode == 1
    assert "failed  test_last[3]" in done.stdout
    assert "        assert" in done.stdout.replace(">", " ")
    assert "1 test passed" in done.stdout  # the one that reads nothing
    assert keys(store_url) == ["chat/1"]


def test_an_interruption_cleans_up(store_url: str) -> None:
    create(store_url)

    terminal = Terminal("conformance", store_url)
    terminal.wait_for("passed")
    terminal.interrupt()

    assert terminal.end() == 130
    assert "what the tests stored was deleted" in terminal.text
    assert keys(store_url) == ["chat/1"]


def test_a_closed_pipe_ends_the_run(store_url: str) -> None:
    create(store_url)
    command = [*COMMAND, "conformance", "--only", "test_last", store_url]

    done = subprocess.run(
        ["bash", "-c", '"$@" | true; exit ${PIPESTATUS[0]}', "-", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )

    assert (done.returncode, done.stderr) == (141, "")
    assert keys(store_url) == ["chat/1"]


def test_the_users_options_of_pytest_do_not_count(store_url: str) -> None:
    create(store_url)

    done = subprocess.run(
        [*COMMAND, "conformance", "--only", "test_last", store_url],
        env={**os.environ, "PYTEST_ADDOPTS": "--no-such-option", "PYTEST_PLUGINS": "no_such"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_no_test_is_a_failure(store_url: str) -> None:
    create(store_url)
    for only, code, output in (
        ("no_such_test", 1, "0 tests passed"),
        ("(", 2, "is not an expression"),
    ):
        done = subprocess.run(
            [*COMMAND, "conformance", "--only", only, store_url],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == code
        assert output in done.stdout + done.stderr


def test_an_unusable_store() -> None:
    assert piped("conformance", "redis://127.0.0.1:1").code == 3
