"""The contract suite refuses stores that are broken, and only those."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from chatstore.core.testing.broken import BROKEN_STORES

SUITE = """
import time
import pytest
from chatstore.core import SimpleChatStore
from chatstore.core.testing import Backend, ChatStoreContract
from chatstore.core.testing.broken import BROKEN_STORES


class AnyBackend(Backend):
    own_clock = True
    shared_between_processes = False
    shared_between_instances = False

    def __init__(self, kind):
        self.kind = kind

    def open(self, *, ttl=None, clock=None):
        self.newest = self.kind(ttl=ttl, clock=clock or time.time)
        return self.newest

    def corrupt(self, key, index):
        records = self.newest._conversations[key].records
        records[index] = records[index]._replace(body='{"v":1,')


def contract_for(kind):
    class TestIt(ChatStoreContract):
        @pytest.fixture
        def backend(self):
            return AnyBackend(kind)

    return TestIt


for kind in [SimpleChatStore, *(broken.store for broken in BROKEN_STORES)]:
    globals()["Test" + kind.__name__] = contract_for(kind)
"""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Return what each test said of each store: by store and test, the failures and errors."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "test_suite.py").write_text(SUITE)
    names = {name for broken in BROKEN_STORES for name in broken.tests}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--junitxml=out.xml", "-k", " or ".join(sorted(names)), "test_suite.py"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 1, done.stdout[-2000:]  # some failed: no usage or import error
    found = {}
    for case in ET.parse(folder / "out.xml").iter("testcase"):
        store = case.get("classname").rpartition(".Test")[2]
        name, _, parameters = case.get("name").partition("[")
        failure, error = case.find("failure"), case.find("error")
        text = None if failure is None else failure.get("message")
        found.setdefault((store, name), []).append((parameters, text, error is not None))
    return found


@pytest.mark.parametrize("broken", BROKEN_STORES, ids=lambda broken: broken.store.__name__)
def test_is_refused_for_the_right_reason(verdicts, broken):
    for name in broken.tests:
        results = verdicts[broken.store.__name__, name]
        reasons = [text for parameters, text, _ in results if text and broken.colour in parameters]

        assert reasons, f"{name} let {broken.store.__name__} pass"
        assert not any(error for _, _, error in results), "a fixture failed, not the test"
        for reason in reasons:
            assert reason.startswith(("AssertionError", "assert", "Failed: DID NOT RAISE")), reason


def test_an_honest_store_passes(verdicts):
    results = [found for (store, _), found in verdicts.items() if store == "SimpleChatStore"]

    assert len(results) == len({name for broken in BROKEN_STORES for name in broken.tests})
    assert [text for found in results for _, text, error in found if text or error] == []


def test_there_are_enough():
    assert len(BROKEN_STORES) >= 12
    assert len({broken.store for broken in BROKEN_STORES}) == len(BROKEN_STORES)
