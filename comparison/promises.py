"""The promises, in the order of the contract."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from comparison.lab import Lab, Outcome

PROMISES = {
    "order": "Order",
    "atomic": "Atomic",
    "writers": "Concurrent writers",
    "once": "Exactly once",
    "cost": "Flat cost",
    "size": "Size",
    "keys": "Any key",
    "fidelity": "Fidelity",
    "ttl": "TTL",
    "failures": "No silent failure",
    "sharing": "Safe to share",
    "healing": "Connections heal",
    "window": "Valid windows",
}


def check_of(promise: str) -> Callable[[Lab], Outcome]:
    """Return the check of a promise."""
    check: Callable[[Lab], Outcome] = importlib.import_module(f"comparison.checks.{promise}").check
    return check


def sentence_of(promise: str) -> str:
    """Return what is promised and how it is checked, from the module's docstrings."""
    module = importlib.import_module(f"comparison.checks.{promise}")
    _, _, promised = str(module.__doc__).strip().partition(": ")
    return f"{promised} {str(module.check.__doc__).strip()}"
