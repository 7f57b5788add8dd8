"""The healing contract accepts a store that heals, and rejects each one that does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract_runs import run_tests
from tcp_backend import TcpBackend
from tcp_broken import BROKEN, BrokenStore
from tcp_server import Database, TcpServer

from chatstore.core import ChatStore
from chatstore.core.testing import HealingContract, Relay, RelayedHarness

Kind = type[TcpBackend | ChatStore]


class TcpHarness(RelayedHarness):
    def __init__(self, relay: Relay, server: TcpServer, replica: TcpServer, kind: Kind) -> None:
        self.relay = relay
        self.server = server
        self.replica = replica
        self.kind = kind

    def open(self, *, timeout: float) -> ChatStore:
        if issubclass(self.kind, TcpBackend):
            return ChatStore(self.kind(self.relay.port, timeout=timeout))
        return self.kind(TcpBackend(self.relay.port, timeout=timeout))

    def open_direct(self) -> ChatStore:
        return ChatStore(TcpBackend(self.replica.port, timeout=60))

    def fail_over(self) -> None:
        self.server.is_read_only = True
        self.relay.swap(self.replica.port)


class TcpContract(HealingContract):
    kind: Kind = TcpBackend

    @pytest.fixture
    def relayed(self) -> Iterator[TcpHarness]:
        database = Database()
        with (
            TcpServer(database) as server,
            TcpServer(database) as replica,
            Relay(server.port) as relay,
        ):
            yield TcpHarness(relay, server, replica, self.kind)


class TestTcpBackend(TcpContract):
    pass


SUITE = """
import sys
sys.path.insert(0, {folder!r})
from tcp_broken import BROKEN
from test_healing import TcpContract

from chatstore.core.testing.contract import modes

modes.POLLS = 300  # these stores never do what the tests wait for

for kind in {{broken.kind for broken in BROKEN}}:
    name = "Test" + kind.__name__
    globals()[name] = type(name, (TcpContract,), {{"kind": kind}})
"""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """Return why each test failed; ``None``: it passed."""
    folder = tmp_path_factory.mktemp("healing")
    (folder / "test_suite.py").write_text(SUITE.format(folder=str(Path(__file__).parent)))
    return run_tests(folder, [_name(broken) for broken in BROKEN])


@pytest.mark.parametrize(
    "broken", BROKEN, ids=[f"{broken.kind.__name__}-{broken.test}" for broken in BROKEN]
)
def test_is_rejected_for_the_right_reason(
    verdicts: dict[str, str | None], broken: BrokenStore
) -> None:
    reason = verdicts[_name(broken)]

    assert reason is not None, f"{broken.test} let {broken.kind.__name__} pass"
    assert broken.reason in reason


def _name(broken: BrokenStore) -> str:
    return f"Test{broken.kind.__name__}::{broken.test}"
