"""Stores replace connections that were reset or forgotten while they were idle."""

from __future__ import annotations

import pytest

from chatstore.core.testing.contract.modes import MixedCaller
from chatstore.core.testing.healing.base import HealingBase, Scenario


class IdleConnections(HealingBase):
    @pytest.mark.parametrize("fault", ["cut", "forget"])
    def test_calls_after_idle_connections_were_lost(self, scenario: Scenario, fault: str) -> None:
        """One call may fail or wait; later calls do not use connections from before the fault."""
        scenario.fill(6)
        getattr(scenario.relay, fault)()

        scenario.check_healed([scenario.append() for _ in range(6 + scenario.forgiven)])
        scenario.check_messages()

    @pytest.mark.parametrize("fault", ["cut", "forget"])
    def test_burst_after_idle_connections_were_lost(self, scenario: Scenario, fault: str) -> None:
        """Each call of a burst may fail or wait once; those of the next burst do not."""
        scenario.fill(10)
        getattr(scenario.relay, fault)()

        scenario.check_time(scenario.burst(4))
        later = scenario.burst(10)
        assert [attempt.error for attempt in later if attempt.error] == []
        scenario.check_fast(later)
        scenario.check_messages()

    def test_connections_lost_again_and_again(self, scenario: Scenario) -> None:
        """A pool can fill and be emptied several times."""
        for _ in range(3):
            scenario.fill(3)
            scenario.relay.cut()
            scenario.check_healed([scenario.append() for _ in range(1 + scenario.forgiven)])
        scenario.check_messages()

    def test_closing_closes_connections(self, scenario: Scenario) -> None:
        """Closing closes used and idle connections."""
        scenario.fill(4)
        scenario.call(scenario.store, "close")
        if isinstance(scenario.call, MixedCaller):
            # Connections of a loop that is not running close when the loop does.
            scenario.call.end()

        scenario.call.wait_until(
            lambda: scenario.relay.connections == 0, "connections are open after closing"
        )
