"""The numbers of ``docs/operations.md`` are those of the programs."""

from __future__ import annotations

import inspect
import json
import re
from importlib import import_module
from typing import Any

from every_store import CLASSES
from programs import run_program
from scripts.workspace import ROOT

from chatstore.azure_core import async_transport, transport
from chatstore.core.backend import owner_index, pools
from chatstore.core.tokens import encodings
from chatstore.dynamodb import clients, setup
from chatstore.encryption import data_keys
from chatstore.http import Answers
from chatstore.media import MediaFolder
from chatstore.postgres import retry
from chatstore.redis import sessions
from chatstore.redis_scripts import request_clock

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NONE = "\N{EN DASH}"
TITLES = {
    "sqlite": "SQLite",
    "redis": "Redis",
    "upstash": "Upstash",
    "postgres": "Postgres",
    "dynamodb": "DynamoDB",
    "azure": "Azure tables",
    "cosmos": "Cosmos DB",
}


def rows(name: str) -> dict[str, list[str]]:
    """Return the cells of a marked table, by the first one of each row."""
    table = PAGE.split(f"<!-- {name} -->")[1].split(f"<!-- end of {name} -->")[0]
    _title, _rule, *lines = table.strip().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {first: rest for first, *rest in cells}


def test_every_store_with_a_driver_is_in_the_table() -> None:
    assert CLASSES.keys() - TITLES.keys() == {"memory"}
    assert rows("defaults").keys() == set(TITLES.values())


def test_defaults_are_those_of_the_constructors() -> None:
    program = ROOT / "tests" / "store_defaults.py"
    defaults, changed = (json.loads(line) for line in run_program(program))
    assert defaults.keys() == TITLES.keys()
    for name, values in defaults.items():
        numbers = [NONE if value is None else f"{value:g}" for value in values]
        assert rows("defaults")[TITLES[name]] == numbers, name
    assert {(values[0], values[2]) for values in changed.values()} == {(77.0, 7)}


def default(function: Any, name: str) -> float:
    value: float = inspect.signature(function).parameters[name].default
    return value


def test_further_times_are_those_of_the_programs() -> None:
    times = {
        "idle connection, Postgres": pools.IDLE_CHECK_AFTER,
        "idle connection, Redis": sessions.CHECK_SECONDS,
        "idle connection, DynamoDB": clients.RECYCLE_AFTER,
        "idle connection, Azure tables and Cosmos DB": transport.RECYCLE_AFTER,
        "setup, DynamoDB": setup.PATIENCE,
        "repetition, Postgres": retry.LONGEST_REPETITION,
        "late write, Redis and Upstash": request_clock.TRUSTED_SECONDS,
        "owner's list, except on SQL and Cosmos DB": owner_index.REFRESH_AFTER,
        "data key, encryption": data_keys.REMEMBER_SECONDS,
        "answer, HTTP": default(Answers, "interval"),
        "transfer, media": default(MediaFolder, "timeout"),
        "grace, media": default(MediaFolder, "grace"),
        "vocabulary, tokens": encodings.PATIENCE,
    }
    assert {name: float(cells[0]) for name, cells in rows("times").items()} == times
    assert async_transport.RECYCLE_AFTER == transport.RECYCLE_AFTER


def test_the_page_names_only_errors_that_exist() -> None:
    core = import_module("chatstore.core")
    names = set(re.findall(r"`(\w+Error)`", PAGE))
    assert len(names) > 5
    assert [name for name in names if not hasattr(core, name)] == []
