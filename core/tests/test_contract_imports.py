"""The modules of the contract can be imported in any order, and explain failed assertions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
from chatstore.core.testing.{module} import __name__ as module
from chatstore.core.testing import ChatStoreContract, HealingContract, ProcessContract
from chatstore.core.testing.contract import base

def test_assertions_are_rewritten():
    assert type(base.__loader__).__name__ == "AssertionRewritingHook"
"""


@pytest.mark.parametrize("module", ["contract.modes", "healing.base", "processes", "relay"])
def test_a_module_may_be_imported_before_the_contract(module: str, tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE.format(module=module))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "-q"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout
