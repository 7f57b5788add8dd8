"""No module uses a private name of another module, class or object."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from scripts.workspace import ROOT

SOURCES = {
    file.relative_to(ROOT).as_posix(): file
    for pattern in ("core", "packages/*", "integrations/*")
    for file in sorted(ROOT.glob(f"{pattern}/src/**/*.py"))
}

# The standard library documents these although they begin with an underscore.
DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace"}


class Exemption(NamedTuple):
    """A private name of a third party that a module must use."""

    path: str
    name: str
    reason: str


UPSTASH = "packages/chatstore-upstash/src/chatstore/upstash/client_checks.py"
CHECKPOINTS = "integrations/chatstore-agent-framework/src/chatstore/agent_framework/checkpoints.py"
EXEMPTIONS = [
    Exemption(CHECKPOINTS, "_workflows", "Agent Framework exports its encoding nowhere else"),
    Exemption(
        CHECKPOINTS, "_checkpoint_encoding", "Agent Framework exports its encoding nowhere else"
    ),
    Exemption(UPSTASH, "_http", "upstash-redis has no other way to its client's timeouts"),
    Exemption(UPSTASH, "_client", "upstash-redis has no other way to its client's timeouts"),
]


class Use(NamedTuple):
    """A private name that is used outside of the module that defines it."""

    line: int
    name: str


def foreign_uses(source: str) -> list[Use]:
    """Return the private names that a module uses and does not define."""
    tree = ast.parse(source)
    defined = set(_defined(tree))
    uses = [use for use in _used(tree) if _is_private(use.name)]
    return [use for use in uses if use.name not in defined | DOCUMENTED]


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name != "_"


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store(), value=ast.Name(id="self" | "cls")):
                yield node.attr
            case ast.Assign(targets=[ast.Name(id="__slots__")], value=ast.Tuple() as slots):
                yield from (str(ast.literal_eval(item)) for item in slots.elts)


def _used(tree: ast.Module) -> Iterator[Use]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute():
                yield Use(node.lineno, node.attr)
            case ast.ImportFrom():
                yield from (Use(node.lineno, alias.name) for alias in node.names)
                yield from (Use(node.lineno, part) for part in (node.module or "").split("."))
            case ast.Import():
                for alias in node.names:
                    yield from (Use(node.lineno, part) for part in alias.name.split("."))
            case ast.Call(
                func=ast.Name(id="getattr" | "setattr" | "delattr" | "hasattr"),
                args=[_, ast.Constant(value=str() as name), *_],
            ):
                yield Use(node.lineno, name)


@pytest.mark.parametrize("path", SOURCES)
def test_private_names_stay_in_their_module(path: str) -> None:
    allowed = {exemption.name for exemption in EXEMPTIONS if exemption.path == path}
    uses = foreign_uses(SOURCES[path].read_text(encoding="utf-8"))
    lines = [f"{path}:{line}: {name}" for line, name in uses if name not in allowed]
    assert not lines, "\n" + "\n".join(lines)


def test_each_exemption_is_needed_and_has_a_reason() -> None:
    for exemption in EXEMPTIONS:
        source = SOURCES[exemption.path].read_text(encoding="utf-8")
        assert exemption.name in {use.name for use in foreign_uses(source)}, exemption
        assert len(exemption.reason) > 20


@pytest.mark.parametrize(
    "source",
    [
        "from chatstore.core.codec import _encode",
        "import _sqlite3",
        "from chatstore._core import codec",
        "codec._encode(1)",
        "store._backend.append()",
        "def call(store): store._backend = 1",
        "class A(B):\n    def call(self): return self._of_the_base_class",
        "getattr(store, '_backend', None)",
    ],
)
def test_foreign_private_names_are_found(source: str) -> None:
    assert len(foreign_uses(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "_LIMIT = 1\nprint(_LIMIT)",
        "class A:\n    def __init__(self): self._b = 1\n    def __eq__(self, a): return a._b",
        "class A:\n    __slots__ = ('_b',)\n    def call(self): return self._b",
        "class A:\n    _b: int\n    def call(self): return self._b",
        "def _call(): ...\n_call()",
        "point._replace(x=1)",
        "a.__class__.__name__",
        "for _ in range(3): ...",
    ],
)
def test_own_and_documented_names_pass(source: str) -> None:
    assert foreign_uses(source) == []


def test_all_sources_are_read() -> None:
    assert len(SOURCES) > 200
    assert "core/src/chatstore/core/store/chat_store.py" in SOURCES
