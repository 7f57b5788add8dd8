"""The fixtures of the healing contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatstore.core.testing.contract.base import Base
from chatstore.core.testing.contract.modes import Caller
from chatstore.core.testing.healing.scenario import RelayedHarness, Scenario, short_timeout


class HealingBase(Base):
    """The fixtures. A subclass of the contract provides the fixture ``relayed``."""

    @pytest.fixture
    def scenario(self, relayed: RelayedHarness, call: Caller) -> Iterator[Scenario]:
        """Return a store through a relay; at the end, stop all faults and close the store."""
        scenario = Scenario(relayed, call)
        yield scenario
        scenario.end()

    @pytest.fixture
    def hasty(self, relayed: RelayedHarness, call: Caller) -> Iterator[Scenario]:
        """Return a scenario with a short timeout, for faults that only a timeout ends."""
        scenario = Scenario(relayed, call, short_timeout(relayed, call))
        yield scenario
        scenario.end()
