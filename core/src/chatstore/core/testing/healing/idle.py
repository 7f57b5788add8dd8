"""Stores replace connections that were reset or forgotten while they were idle."""

from __future__ import annotations

from chatstore.core.testing.contract.modes import MixedCaller
from chatstore.core.testing.healing.base import HealingBase
from chatstore.core.testing.healing.scenario import Scenario
from chatstore.core.testing.healing.stalls import repeat_after_stalls


class IdleConnections(HealingBase):
    def test_calls_after_idle_connections_were_reset(self, scenario: Scenario) -> None:
        """One call may fail; later calls do not use connections from before the fault."""
        scenario.fill(6)
        scenario.relay.cut()

        _check_calls(scenario)

    @repeat_after_stalls
    def test_calls_after_idle_connections_were_forgotten(self, hasty: Scenario) -> None:
        """One call may wait for its timeout; later calls do not."""
        hasty.fill(6)
        hasty.relay.forget()

        _check_calls(hasty)

    def test_burst_after_idle_connections_were_reset(self, scenario: Scenario) -> None:
        """Each call of a burst may fail once; those of the next burst do not."""
        scenario.fill(10)
        scenario.relay.cut()

        _check_bursts(scenario)

    @repeat_after_stalls
    def test_burst_after_idle_connections_were_forgotten(self, hasty: Scenario) -> None:
        """Each call of a burst may wait for one timeout; those of the next burst do not."""
        hasty.fill(10)
        hasty.relay.forget()

        _check_bursts(hasty)

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


def _check_calls(scenario: Scenario) -> None:
    scenario.check_healed([scenario.append() for _ in range(6 + scenario.forgiven)])
    scenario.check_messages()


def _check_bursts(scenario: Scenario) -> None:
    scenario.check_time(scenario.burst(4))
    later = scenario.burst(10)
    assert [attempt.error for attempt in later if attempt.error] == []
    scenario.check_fast(later)
    scenario.check_messages()
