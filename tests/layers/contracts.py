"""Which part of the contract is tested over layers on servers; the long run tests all of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from chatstore.core.testing import ChatStoreContract, MixedContract

# A layer does not know the mode: its plans are the same ones.
if TYPE_CHECKING or os.environ.get("CHATSTORE_SOAK"):
    CombinedContract = ChatStoreContract
else:
    CombinedContract = MixedContract
