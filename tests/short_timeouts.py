"""Tests whose stores time out soon run again if the machine stalls, which lets any call time out.

A failure while the machine does not stall counts at once.
"""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol

from chatstore.core.testing.healing.stalls import Stalls

_TRIES = 10


def run_again_after_stalls(item: pytest.Item, nextitem: pytest.Item | None, timeout: float) -> bool:
    """Run a test, and again if it failed and the machine stalled for a part of ``timeout``."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports: list[pytest.TestReport] = []
    for _ in range(_TRIES):
        with Stalls(lambda: None) as stalls:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if stalls.longest < timeout / 4 or not any(report.failed for report in reports):
            break
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
