"""The contract suite rejects stores that are broken, and only those."""

from __future__ import annotations

import pytest
from contract_runs import run_tests

from chatstore.core.testing.broken import BROKEN_STORES, BrokenStore, CorrectStore, FileBackend

Verdicts = dict[str, str | None]

SUITE = """
import pytest
from chatstore.core.testing import ChatStoreContract, ProcessContract
from chatstore.core.testing.broken import (
    BROKEN_STORES, BrokenHarness, CorrectStore, FileBackend, FileHarness
)


@pytest.fixture
def harness(request):
    kind = request.cls.kind
    return FileHarness(kind) if issubclass(kind, FileBackend) else BrokenHarness(kind)


def class_for(kind, names):
    # Only the tests that verdicts need: the whole contract would be collected for each store.
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
    correct = FileBackend if issubclass(broken.kind, FileBackend) else CorrectStore
    for kind in (broken.kind, correct):
        needed.setdefault(kind, set()).update(broken.tests)
for kind, names in needed.items():
    globals()["Test" + kind.__name__] = class_for(kind, names)
"""

# Only the parameters that verdicts need are run: a test has many.
CONFTEST = """
from chatstore.core.testing.broken import BROKEN_STORES


def is_needed(item):
    parameters = item.name.partition("[")[2].rstrip("]").split("-")
    kind = item.cls.__name__.removeprefix("Test")
    return any(
        item.originalname in broken.tests
        and kind in (broken.kind.__name__, "CorrectStore", "FileBackend")
        and all(part in parameters for part in broken.parameters.split())
        for broken in BROKEN_STORES
    )


def pytest_collection_modifyitems(items):
    items[:] = filter(is_needed, items)
"""


def names_of(broken: BrokenStore) -> list[str]:
    return [f"Test{broken.kind.__name__}::{name}" for name in broken.tests]


def has(name: str, parameters: str) -> bool:
    """Return whether a test's name has all these parameters."""
    of_test = name.partition("[")[2].rstrip("]").split("-")
    return all(parameter in of_test for parameter in parameters.split())


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """Return why each test failed, by its name; ``None``: it passed."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "conftest.py").write_text(CONFTEST)
    names = {name for broken in BROKEN_STORES for name in names_of(broken)}
    for broken in BROKEN_STORES:
        correct = FileBackend if issubclass(broken.kind, FileBackend) else CorrectStore
        names |= {f"Test{correct.__name__}::{name}" for name in broken.tests}
    return run_tests(folder, sorted(names))


@pytest.mark.parametrize(
    "broken", BROKEN_STORES, ids=lambda broken: f"{broken.kind.__name__}-{broken.tests[0]}"
)
def test_is_rejected_for_the_right_reason(verdicts: Verdicts, broken: BrokenStore) -> None:
    for test in names_of(broken):
        results = [
            reason
            for name, reason in verdicts.items()
            if name.partition("[")[0] == test and has(name, broken.parameters)
        ]
        reasons = [reason for reason in results if reason]

        assert reasons, f"{test} let {broken.kind.__name__} pass: {results}"
        assert any(broken.reason in reason for reason in reasons), reasons


def test_correct_stores_pass(verdicts: Verdicts) -> None:
    correct = {
        name: reason
        for name, reason in verdicts.items()
        if name.startswith(("TestCorrectStore:", "TestFileBackend:"))
    }

    assert len(correct) > 100
    assert {name: reason for name, reason in correct.items() if reason} == {}


def test_each_class_says_what_is_broken() -> None:
    assert len({broken.kind for broken in BROKEN_STORES}) >= 125
    assert [b.kind for b in BROKEN_STORES if not b.kind.__doc__] == []
