"""The contract: one class for each promise, and one that inherits them all."""

from collections.abc import Iterator

import pytest

from chatstore.core.testing.contract.arguments import Arguments
from chatstore.core.testing.contract.atomicity import Atomicity
from chatstore.core.testing.contract.compaction import Compaction
from chatstore.core.testing.contract.conversation_writers import ConversationWriters
from chatstore.core.testing.contract.conversations import ConversationRecords
from chatstore.core.testing.contract.copies import Copies
from chatstore.core.testing.contract.costs import Costs
from chatstore.core.testing.contract.crashes import Crashes
from chatstore.core.testing.contract.damage import Damage
from chatstore.core.testing.contract.driver_errors import DriverErrors
from chatstore.core.testing.contract.fidelity import Fidelity
from chatstore.core.testing.contract.forks import Forks
from chatstore.core.testing.contract.idempotency import Idempotency
from chatstore.core.testing.contract.identity import Identity
from chatstore.core.testing.contract.insert_delete import InsertDelete
from chatstore.core.testing.contract.keys import Keys
from chatstore.core.testing.contract.layers import Layers
from chatstore.core.testing.contract.leftovers import Leftovers
from chatstore.core.testing.contract.lifecycle import Lifecycle
from chatstore.core.testing.contract.long_conversations import LongConversations
from chatstore.core.testing.contract.maintenance import Maintenance
from chatstore.core.testing.contract.messages_by_id import MessagesById
from chatstore.core.testing.contract.modes import AsyncCaller, Caller, MixedCaller, SyncCaller
from chatstore.core.testing.contract.order import Order
from chatstore.core.testing.contract.owners import Owners
from chatstore.core.testing.contract.paging import Paging
from chatstore.core.testing.contract.positions import Positions
from chatstore.core.testing.contract.representation import Representation
from chatstore.core.testing.contract.resources import Resources
from chatstore.core.testing.contract.ttl import Ttl
from chatstore.core.testing.contract.windows import Windows
from chatstore.core.testing.contract.writers import Writers
from chatstore.core.testing.state_machine import StateMachineContract

__all__ = ["ChatStoreContract", "MixedContract", "SyncAsyncContract"]


class ChatStoreContract(
    Order,
    Atomicity,
    Writers,
    Idempotency,
    Paging,
    Keys,
    Fidelity,
    Ttl,
    Lifecycle,
    Arguments,
    InsertDelete,
    LongConversations,
    Copies,
    Costs,
    Damage,
    DriverErrors,
    Forks,
    Identity,
    Layers,
    Leftovers,
    Maintenance,
    Positions,
    Representation,
    Resources,
    Windows,
    Compaction,
    ConversationRecords,
    MessagesById,
    Owners,
    ConversationWriters,
    Crashes,
    StateMachineContract,
):
    """Every promise of a store. A subclass provides the fixture ``harness``."""


class SyncAsyncContract(ChatStoreContract):
    """The contract without the mixed mode."""

    share_of_examples = 10

    @pytest.fixture(params=[SyncCaller, AsyncCaller], ids=lambda caller: caller.name)
    def call(self, request: pytest.FixtureRequest) -> Iterator[Caller]:
        """Return a function that calls methods of stores in one mode."""
        caller: Caller = request.param()
        yield caller
        caller.close()


class MixedContract(ChatStoreContract):
    """The contract in mixed mode only, for slow servers."""

    share_of_examples = 20

    @pytest.fixture
    def call(self) -> Iterator[MixedCaller]:
        """Return a function that calls methods of stores in both modes alternately."""
        caller = MixedCaller()
        yield caller
        caller.close()
