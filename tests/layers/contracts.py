"""Which part of the contract is tested over layers on servers; the long run tests all of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from chatstore.core.testing import ChatStoreContract, MixedContract
from chatstore.core.testing.contract.conversations import ConversationRecords
from chatstore.core.testing.contract.damage import Damage
from chatstore.core.testing.contract.fidelity import Fidelity
from chatstore.core.testing.contract.forks import Forks
from chatstore.core.testing.contract.identity import Identity
from chatstore.core.testing.contract.layers import Layers
from chatstore.core.testing.contract.messages_by_id import MessagesById
from chatstore.core.testing.contract.modes import MixedCaller
from chatstore.core.testing.contract.owners import Owners

IS_LONG_RUN = bool(os.environ.get("CHATSTORE_SOAK"))


class ChangedContract(
    ConversationRecords, Damage, Fidelity, Forks, Identity, Layers, MessagesById, Owners
):
    """What depends on what layers change: ids, bodies, keys, owners and records."""

    @pytest.fixture
    def call(self) -> Iterator[MixedCaller]:
        caller = MixedCaller()
        yield caller
        caller.close()


# A layer does not know the mode: its plans are the same ones. moto is slow.
if TYPE_CHECKING or IS_LONG_RUN:
    CombinedContract = ChatStoreContract
    SlowContract = ChatStoreContract
else:
    CombinedContract = MixedContract
    SlowContract = ChangedContract
