"""Each check of the comparison finds a store that breaks its promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from comparison.lab import Store, open_lab
from comparison.promises import PROMISES, check_of
from comparison.servers import Files, Server, start

BROKEN = [
    ("order", "OrdersByClock", "are read as 1, 3, 5, 0, 2, 4"),
    ("atomic", "WritesOneByOne", "of 300 messages"),
    ("writers", "WritesItsCopy", "100 acknowledged, "),
    ("once", "DropsIds", "stored 2 times"),
    ("cost", "ReadsAll", "calls at 4,000"),
    ("size", "KeepsThousand", "of 2,000 messages, 1000 are read"),
    ("size", "RefusesLarge", "a message of 5 MiB raises ValueError: too large"),
    ("keys", "IgnoresCase", "'a', 'A' read other keys' messages"),
    ("fidelity", "DropsMetadata", "numbers: changed; metadata: changed; equal: text"),
    ("ttl", "NeverExpires", "2 messages are left"),
    ("ttl", "ExpiresEach", "within ttl after the last write, ['second'] is left"),
    ("failures", "HidesErrors", "a read of 3 messages returns nothing"),
    ("sharing", "UsesOneThread", "80 errors: RuntimeError: another thread"),
    (
        "window",
        "SendsNewest",
        "have a tool result without its call, which every provider refuses",
    ),
]


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    """Start a server of these tests' own: checks empty it and restart it."""
    with start("redis") as server:
        yield server


def test_every_promise_has_a_broken_store() -> None:
    assert {promise for promise, _, _ in BROKEN} == PROMISES.keys() - {"healing"}


@pytest.mark.parametrize(("promise", "name", "text"), BROKEN)
def test_broken_stores_are_found(promise: str, name: str, text: str, tmp_path: Path) -> None:
    with open_lab(Store("planted_stores", make=name), Files(tmp_path, "sqlite"), "calls") as lab:
        outcome = check_of(promise)(lab)

    assert outcome.passed is False
    assert text in outcome.text


def test_a_store_that_never_reconnects_is_found(redis: Server) -> None:
    with open_lab(Store("planted_stores", make="NeverReconnects"), redis) as lab:
        outcome = check_of("healing")(lab)

    assert outcome.passed is False
    assert "after a restart, 4 of 4 calls fail" in outcome.text


def test_a_store_that_hides_a_dead_server_is_found(redis: Server) -> None:
    with open_lab(Store("planted_stores", make="HidesErrors"), redis) as lab:
        outcome = check_of("failures")(lab)

    assert outcome.passed is False
    assert "with a dead server, texts returns []" in outcome.text
