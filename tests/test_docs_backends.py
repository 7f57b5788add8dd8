"""The example backends of the guide keep the contract with only core and pytest installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from scripts.workspace import ROOT
from wheels import build_all, install, run

from chatstore.core import ChatMessage, ChatStore, open_store

EXAMPLES = ROOT / "docs" / "backends"
LIST = "from importlib.metadata import distributions as d; print(*(i.name for i in d()))"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with only core and its testing extra."""
    wheels = tmp_path_factory.mktemp("wheels")
    build_all([ROOT / "core"], wheels)
    return install(tmp_path_factory.mktemp("third-party"), wheels, "chatstore-core[testing]")


def test_only_core_and_pytest_are_installed(python: Path) -> None:
    installed = set(run(python, "-c", LIST).split())
    assert {"chatstore-core", "pytest"} <= installed
    assert not {name for name in installed if name.startswith("chatstore")} - {"chatstore-core"}
    assert not installed & {"redis", "psycopg", "asyncpg", "boto3", "sqlalchemy", "anyio"}


@pytest.mark.parametrize("name", ["dict", "sqlite3"])
def test_the_contract(name: str, python: Path, tmp_path: Path) -> None:
    for file in (f"{name}_backend.py", f"test_{name}_backend.py"):
        shutil.copy(EXAMPLES / file, tmp_path)
    # In memory if possible: the example waits for the disk in each call.
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else tmp_path
    files = parent / f"chatstore-{os.getpid()}-{name}"
    command = [python, "-W", "error", "-m", "pytest", "-q", "--basetemp", files]
    try:
        output = run(*command, f"test_{name}_backend.py", cwd=tmp_path)
    finally:
        shutil.rmtree(files, ignore_errors=True)
    passed = int(output.rpartition(" passed")[0].split()[-1])
    assert passed > 600, output


def counting(inner: Any) -> Any:
    """Return a `CountingBackend`, from the file in the documentation."""
    spec = spec_from_file_location("counting_backend", EXAMPLES / "counting_backend.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["counting_backend"] = module
    spec.loader.exec_module(module)
    return module.CountingBackend(inner)


@pytest.mark.parametrize("scheme", ["memory", "sqlite", "redis"])
def test_counting_over(scheme: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    urls: dict[str, Callable[[], str]] = {
        "memory": lambda: "memory://",
        "sqlite": lambda: f"sqlite:///{tmp_path}/chat.db",
        "redis": lambda: f"redis://127.0.0.1:{request.getfixturevalue('redis_server').port}",
    }
    backend = counting(open_store(urls[scheme]()).backend)
    messages = [ChatMessage(role="user", content=f"Text {n}", id=str(n)) for n in range(3)]

    async def use(store: ChatStore) -> None:
        await store.async_add_messages("k", messages)  # these exist
        assert await store.async_get_messages("k") == messages
        await store.async_delete_messages("k")

    with ChatStore(backend) as store:
        store.delete_messages("k")
        store.add_messages("k", messages[:2])
        store.add_messages("k", messages)  # one of them is new
        assert store.get_messages("k", last=1) == messages[2:]
        asyncio.run(use(store))
        assert store.count_messages("k") == 0
    assert backend.counts == {"sync calls": 5, "async calls": 3, "messages": 3}
