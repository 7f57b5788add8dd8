"""Stores work again after a restart, an outage or a failover of the server."""

from __future__ import annotations

import socket

from chatstore.core import StoreUnavailableError
from chatstore.core.testing.healing.base import HealingBase
from chatstore.core.testing.healing.scenario import HANG, Scenario


class Outages(HealingBase):
    def test_restart(self, scenario: Scenario) -> None:
        scenario.fill(4)
        scenario.harness.restart()

        scenario.check_healed([scenario.append() for _ in range(3 + scenario.forgiven)])
        scenario.check_messages()

    def test_burst_after_a_restart(self, scenario: Scenario) -> None:
        scenario.fill(6)
        scenario.harness.restart()

        scenario.burst(6)
        assert [attempt.error for attempt in scenario.burst(8) if attempt.error] == []
        scenario.check_messages()

    def test_server_that_is_away_for_a_while(self, scenario: Scenario) -> None:
        """Calls fail within a bounded time; once the server is back, they work again."""
        scenario.fill(3)
        scenario.relay.refuse()
        scenario.relay.cut()
        away = [scenario.append() for _ in range(1 + scenario.forgiven)]
        scenario.relay.restore()

        assert [type(a.error) for a in away if not isinstance(a.error, StoreUnavailableError)] == []
        assert max(attempt.seconds for attempt in away) < HANG
        scenario.check_healed([scenario.append() for _ in range(2 + scenario.forgiven)])
        scenario.check_messages()

    def test_server_that_accepts_and_ends_connections(self, scenario: Scenario) -> None:
        """A port that accepts and closes connections counts as one that refuses them."""
        scenario.append()
        port = _unused_port()
        scenario.relay.swap(port)
        scenario.relay.cut()
        away = [scenario.append() for _ in range(scenario.forgiven)]

        assert [type(a.error) for a in away if not isinstance(a.error, StoreUnavailableError)] == []
        assert max(attempt.seconds for attempt in away) < HANG

    def test_failover_behind_one_address(self, scenario: Scenario) -> None:
        """Connections to the old server are discarded: it has become read-only."""
        scenario.fill(5)
        scenario.append()
        scenario.harness.fail_over()

        attempts = [scenario.append() for _ in range(5 + scenario.forgiven)]
        later = attempts[scenario.forgiven :]
        assert [attempt.error for attempt in later if attempt.error] == []
        assert [attempt.error for attempt in scenario.burst(8) if attempt.error] == []
        scenario.check_messages()


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
