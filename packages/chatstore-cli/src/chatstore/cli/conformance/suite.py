"""What pytest collects; `chatstore.cli.conformance.running` provides the fixture ``harness``."""

from __future__ import annotations

import pytest  # first: then assertions of the contract show their values

from chatstore.core.testing import MixedContract

__all__ = ["TestStore", "pytest"]


class TestStore(MixedContract):
    """Each promise, with sync and async calls mixed."""
