"""What importing the package loads, in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

import chatstore.core
from chatstore.core import backend

PYDANTIC = """import pydantic
class Model(pydantic.BaseModel): field: int"""


def loaded(program: str) -> set[str]:
    code = f"import sys\n{program}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


def test_importing_core_loads_neither_tiktoken_nor_asyncio_nor_sockets() -> None:
    modules = loaded("import chatstore.core")
    assert "chatstore.core.store" in modules
    assert "chatstore.core.memory.buffer" in modules
    beyond_pydantic = modules - loaded(PYDANTIC)
    assert not {"tiktoken", "asyncio", "socket", "ssl", "importlib.metadata"} & beyond_pydantic
    assert not {"tiktoken", "asyncio"} & modules


def test_importing_core_loads_only_the_parts_of_backends_that_it_uses() -> None:
    modules = loaded("import chatstore.core")
    assert "chatstore.core.backend.base" in modules
    assert "chatstore.core.backend.pools" not in modules
    assert not {"pickle", "difflib", "concurrent.futures"} & (modules - loaded(PYDANTIC))


def test_all_names_for_authors_of_backends_are_there() -> None:
    assert len(backend.__all__) > 20
    assert [name for name in backend.__all__ if not hasattr(backend, name)] == []
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(backend, "no_such_name")  # noqa: B009 - type checkers refuse the attribute


def test_all_names_are_there() -> None:
    assert len(chatstore.core.__all__) > 20
    assert [name for name in chatstore.core.__all__ if not hasattr(chatstore.core, name)] == []


def test_the_version_is_the_distributions() -> None:
    assert chatstore.core.__version__.count(".") == 2


def test_the_package_is_a_namespace() -> None:
    import chatstore

    assert chatstore.__file__ is None
