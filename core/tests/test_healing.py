"""The healing contract accepts a store that heals, and refuses each that does not."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib's mode of importing leaves it out

from contract_runs import run_tests
from tcp_server import Database, TcpServer
from tcp_store import BROKEN, TcpStore

from chatstore.core.testing import HealingContract, Relay, RelayedHarness


class TcpHarness(RelayedHarness):
    def __init__(self, relay, server, replica, kind=TcpStore):
        self.relay = relay
        self.server = server
        self.replica = replica
        self.kind = kind

    def open(self, *, timeout):
        return self.kind(self.relay.port, timeout=timeout)

    def open_direct(self):
        return TcpStore(self.replica.port, timeout=60)

    def fail_over(self):
        self.server.is_read_only = True
        self.relay.swap(self.replica.port)


class TcpContract(HealingContract):
    kind = TcpStore

    @pytest.fixture
    def relayed(self):
        database = Database()
        with (
            TcpServer(database) as server,
            TcpServer(database) as replica,
            Relay(server.port) as relay,
        ):
            yield TcpHarness(relay, server, replica, self.kind)


class TestTcpStore(TcpContract):
    pass


SUITE = """
import sys
sys.path.insert(0, {folder!r})
from tcp_store import BROKEN
from test_healing import TcpContract

for kind in {{broken[0] for broken in BROKEN}}:
    name = "Test" + kind.__name__
    globals()[name] = type(name, (TcpContract,), {{"kind": kind}})
"""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Return why each test failed; ``None``: it passed."""
    folder = tmp_path_factory.mktemp("healing")
    (folder / "test_suite.py").write_text(SUITE.format(folder=str(Path(__file__).parent)))
    return run_tests(folder, [f"Test{kind.__name__}::{name}" for kind, name, _ in BROKEN])


@pytest.mark.parametrize(
    ("kind", "name", "part"), BROKEN, ids=[f"{kind.__name__}-{name}" for kind, name, _ in BROKEN]
)
def test_is_refused_for_the_right_reason(verdicts, kind, name, part):
    reason = verdicts[f"Test{kind.__name__}::{name}"]

    assert reason is not None, f"{name} let {kind.__name__} pass"
    assert part in reason
