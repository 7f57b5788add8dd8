"""Each wheel installs alone and has types; uninstalling it keeps other distributions intact."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import TypeAlias

import pytest
from scripts.workspace import ROOT, read_members
from wheels import UV, Installed, at_once, build_all, check, install, run

MEMBERS = read_members(ROOT)
URLS = {
    "memory": "memory://",
    "file": "file:///nowhere/chat.json",
    "sqlite": "sqlite:///chat.db",
    "redis": "redis://127.0.0.1:1",
    "rediss": "rediss://127.0.0.1:1",
    "upstash": "upstash://:token@127.0.0.1:1",
    "upstash+http": "upstash+http://:token@127.0.0.1:1",
    "postgres": "postgres://127.0.0.1:1/chat",
    "postgresql": "postgresql://127.0.0.1:1/chat",
    "postgresql+asyncpg": "postgresql+asyncpg://127.0.0.1:1/chat",
    "postgresql+psycopg": "postgresql+psycopg://127.0.0.1:1/chat",
    "dynamodb": "dynamodb://table?region=eu-central-1",
    "azure-tables": "azure-tables://account:a2V5@127.0.0.1:1/chats",
    "azure-tables+http": "azure-tables+http://account:a2V5@127.0.0.1:1/account/chats",
    "cosmos": "cosmos://:a2V5@127.0.0.1:1/chats/messages",
    "cosmos+http": "cosmos+http://:a2V5@127.0.0.1:1/chats/messages",
}
# Modules that need an extra of their distribution.
NEED_MORE = {
    "chatstore.cli.conformance.": "the extra conformance",
    "chatstore.http.fastapi": "the extra fastapi",
    "chatstore.langchain.middleware": "the extra agents",
    "chatstore.migrate.langchain": "the extra langchain",
    "chatstore.migrate.llama_index": "the extra llama-index",
}
USE = """
from chatstore.sqlite import SQLiteChatStore
from chatstore.core import ChatMessage

with SQLiteChatStore("chat.db") as store:
    store.add_message("k", ChatMessage(role="user", content="hi"))
    number: int = store.count_messages("k")
    print(number, store.get_messages("k")[0].content)
"""
Outcomes: TypeAlias = dict[str, Installed | AssertionError]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    build_all(MEMBERS.values(), folder)
    return folder


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Outcomes:
    """Return the result of installing each distribution alone."""
    root = tmp_path_factory.mktemp("alone")

    def outcome(name: str) -> Installed | AssertionError:
        try:
            return check(root / name, wheels, name, URLS)
        except AssertionError as error:
            return error

    return dict(zip(MEMBERS, at_once(outcome, MEMBERS), strict=True))


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    return tmp_path / "environment"


@pytest.mark.parametrize("name", MEMBERS)
def test_a_wheel_has_one_package_of_the_namespace(wheels: Path, name: str) -> None:
    (wheel,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
    names = [item for item in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in item]
    leaf = name.removeprefix("chatstore-").replace("-", "_")
    assert f"chatstore/{leaf}/py.typed" in names
    assert [item for item in names if not item.startswith(f"chatstore/{leaf}/")] == []


@pytest.mark.parametrize("name", MEMBERS)
def test_a_distribution_works_alone(outcomes: Outcomes, name: str) -> None:
    outcome = outcomes[name]
    if isinstance(outcome, AssertionError):
        raise outcome
    assert outcome.version
    assert outcome.modules
    errors = [item for item in outcome.refused if not item[0].startswith(tuple(NEED_MORE))]
    assert not errors


def test_a_store_of_each_scheme_was_opened(outcomes: Outcomes) -> None:
    opened = [item.stores for item in outcomes.values() if isinstance(item, Installed)]
    by_scheme = {scheme: store for stores in opened for scheme, store in stores.items()}
    assert set(by_scheme) == set(URLS)
    assert all("ChatStore: " in store for store in by_scheme.values())


def test_core_says_what_to_install(environment: Path, wheels: Path) -> None:
    python = install(environment, wheels, "chatstore-core")
    refused = """
import chatstore.core as c
try:
    c.open_store("sqlite:///x.db")
except c.UnknownSchemeError as e:
    print(e)
"""
    assert "pip install chatstore-sqlite" in run(python, "-c", refused)


def test_sqlite_brings_core_and_types_and_leaves_it_whole(
    environment: Path, wheels: Path, tmp_path: Path
) -> None:
    python = install(environment, wheels, "chatstore-sqlite")
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "wrong.py").write_text(USE.replace("number: int", "number: str"))

    assert run(python, "use.py", cwd=tmp_path) == "1 hi\n"
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python]
    run(*mypy, "use.py", cwd=tmp_path)
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", python]
    run(*pyright, "use.py", cwd=tmp_path)
    for checker in (mypy, pyright):
        with pytest.raises(AssertionError, match="int"):
            run(*checker, "wrong.py", cwd=tmp_path)

    run(UV, "pip", "uninstall", "--quiet", "--python", python, "chatstore-sqlite")
    assert "memory" in run(python, "-c", "import chatstore.core; print('memory')")
    gone = "import importlib.util as u; print(u.find_spec('chatstore.sqlite'))"
    assert run(python, "-c", gone) == "None\n"
