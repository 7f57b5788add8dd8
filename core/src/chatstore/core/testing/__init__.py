"""The public contract suite: tests of what every store promises, for authors of backends.

Subclass `ChatStoreContract` and define the fixture ``harness``, which returns a `ContractHarness`.
If several processes can use the database, add `ProcessContract` as a second base class. If the
database is reached through a network, also test the store with `HealingContract`.

Names are loaded on first use: importing this package does not need pytest.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chatstore.core.testing.contract import (
        ChatStoreContract,
        MixedContract,
        SyncAsyncContract,
    )
    from chatstore.core.testing.harness import ContractHarness
    from chatstore.core.testing.healing import HealingContract, RelayedHarness
    from chatstore.core.testing.processes import ProcessContract
    from chatstore.core.testing.relay import Relay

__all__ = [
    "ChatStoreContract",
    "ContractHarness",
    "HealingContract",
    "MixedContract",
    "ProcessContract",
    "Relay",
    "RelayedHarness",
    "SyncAsyncContract",
]

_MODULES = {
    "ChatStoreContract": "contract",
    "ContractHarness": "harness",
    "HealingContract": "healing",
    "MixedContract": "contract",
    "ProcessContract": "processes",
    "Relay": "relay",
    "RelayedHarness": "healing",
    "SyncAsyncContract": "contract",
}

if "pytest" in sys.modules:
    import pytest

    # Failures show the values in assertions only if this comes before the modules are imported.
    for _module in ("contract", "healing", "processes", "state_machine"):
        pytest.register_assert_rewrite(f"{__name__}.{_module}")


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
