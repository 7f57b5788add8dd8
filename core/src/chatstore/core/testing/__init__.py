"""The public contract suite: the promises of every store, as tests for anybody's harness.

A harness's author subclasses `ChatStoreContract` and gives it one fixture, ``harness``. Where
processes share the database, `ProcessContract` is a second base class.
The names load on first use: importing this package needs no pytest.
"""

from __future__ import annotations

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


def __getattr__(name: str) -> Any:
    """Import a public name when somebody asks for it."""
    if name == "ContractHarness":
        from chatstore.core.testing.harness import ContractHarness

        return ContractHarness
    if name == "Relay":
        from chatstore.core.testing.relay import Relay

        return Relay
    if name in __all__:
        import pytest

        for module in ("contract", "healing", "processes", "state_machine"):
            pytest.register_assert_rewrite(f"chatstore.core.testing.{module}")
        from chatstore.core.testing import contract, healing, processes

        for place in (contract, healing, processes):
            if hasattr(place, name):
                return getattr(place, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
