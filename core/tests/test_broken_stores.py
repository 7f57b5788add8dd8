"""The contract suite refuses stores that are broken, and only those."""

import inspect
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out

from contract_runs import run_tests

from chatstore.core.testing.broken import BROKEN_STORES, FileBackend

SUITE = """
import pytest
from chatstore.core.testing import ChatStoreContract, ProcessContract
from chatstore.core.testing.broken import (
    BROKEN_STORES, BrokenHarness, FileBackend, FileHarness, SoundStore
)


@pytest.fixture
def harness(request):
    kind = request.cls.kind
    return FileHarness(kind) if issubclass(kind, FileBackend) else BrokenHarness(kind)


def class_for(kind, names):
    # Only what a verdict needs: the whole contract would be collected for each store.
    bases = [base for contract in (ChatStoreContract, ProcessContract) for base in contract.__mro__]
    attributes = {
        name: value
        for base in reversed(bases[:-1]) if base is not object
        for name, value in vars(base).items()
        if name in names or not name.startswith(("test_", "__"))
    }
    return type("Test" + kind.__name__, (), {**attributes, "kind": kind})


needed = {}
for broken in BROKEN_STORES:
    sound = FileBackend if issubclass(broken.kind, FileBackend) else SoundStore
    for kind in (broken.kind, sound):
        needed.setdefault(kind, set()).update(broken.tests)
for kind, names in needed.items():
    globals()["Test" + kind.__name__] = class_for(kind, names)
"""

# Only what a verdict needs is run: a test has many parameters.
CONFTEST = """
from chatstore.core.testing.broken import BROKEN_STORES


def is_needed(item):
    parameters = item.name.partition("[")[2].rstrip("]").split("-")
    kind = item.cls.__name__.removeprefix("Test")
    return any(
        item.originalname in broken.tests
        and kind in (broken.kind.__name__, "SoundStore", "FileBackend")
        and all(part in parameters for part in broken.mode.split())
        for broken in BROKEN_STORES
    )


def pytest_collection_modifyitems(items):
    items[:] = filter(is_needed, items)
"""


def _tests_of(broken):
    return [f"Test{broken.kind.__name__}::{name}" for name in broken.tests]


def _has(name, parameters):
    of_test = name.partition("[")[2].rstrip("]").split("-")
    return all(parameter in of_test for parameter in parameters.split())


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Return why each test failed, by its name; ``None``: it passed."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "conftest.py").write_text(CONFTEST)
    names = {name for broken in BROKEN_STORES for name in _tests_of(broken)}
    for broken in BROKEN_STORES:
        sound = "FileBackend" if issubclass(broken.kind, FileBackend) else "SoundStore"
        names |= {f"Test{sound}::{name}" for name in broken.tests}
    return run_tests(folder, sorted(names))


@pytest.mark.parametrize(
    "broken", BROKEN_STORES, ids=lambda broken: f"{broken.kind.__name__}-{broken.tests[0]}"
)
def test_is_refused_for_the_right_reason(verdicts, broken):
    for test in _tests_of(broken):
        results = [
            reason
            for name, reason in verdicts.items()
            if name.partition("[")[0] == test and _has(name, broken.mode)
        ]
        reasons = [reason for reason in results if reason]

        assert reasons, f"{test} let {broken.kind.__name__} pass: {results}"
        assert any(broken.reason in reason for reason in reasons), reasons


def test_sound_stores_pass(verdicts):
    sound = {
        n: r for n, r in verdicts.items() if n.startswith(("TestSoundStore:", "TestFileBackend:"))
    }

    assert len(sound) > 100
    assert {name: reason for name, reason in sound.items() if reason} == {}


def test_each_class_says_what_is_broken():
    assert len({broken.kind for broken in BROKEN_STORES}) >= 80
    assert [b.kind for b in BROKEN_STORES if not inspect.getdoc(b.kind)] == []
