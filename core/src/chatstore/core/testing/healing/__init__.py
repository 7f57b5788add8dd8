"""The healing contract: a store works again after a fault of the network or the server.

At most one call fails after the fault, and no message is lost or stored twice.
"""

from chatstore.core.testing.healing.idle import IdleConnections
from chatstore.core.testing.healing.lost_replies import LostReplies
from chatstore.core.testing.healing.outages import Outages
from chatstore.core.testing.healing.repeated_calls import RepeatedCalls
from chatstore.core.testing.healing.replies import Replies
from chatstore.core.testing.healing.scenario import RelayedHarness
from chatstore.core.testing.healing.waiting import Waiting

__all__ = ["HealingContract", "RelayedHarness"]


class HealingContract(IdleConnections, LostReplies, Outages, RepeatedCalls, Replies, Waiting):
    """How stores work after faults. A subclass provides the fixture ``relayed``."""
