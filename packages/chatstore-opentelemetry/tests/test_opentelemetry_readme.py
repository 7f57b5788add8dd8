"""The README's examples run, and the documentation shows what a turn really makes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from agent_turn import record_turn, tree
from programs import run_program, snippets
from recorded import attributes_of

PACKAGE = Path(__file__).parent.parent
FIRST, HASHED = snippets(PACKAGE / "README.md")
PAGE = (PACKAGE.parent.parent / "docs" / "telemetry.md").read_text(encoding="utf-8")


def test_first(tmp_path: Path) -> None:
    added, read, count = run_program(FIRST, cwd=tmp_path)
    assert added.startswith("add_message {'db.system.name': 'memory'")
    assert "'chatstore.messages.read': 1" in read
    assert count == "1"


def test_hashed(tmp_path: Path) -> None:
    assert run_program(HASHED, cwd=tmp_path) == ["[]"]


def test_the_page_shows_the_spans_of_a_turn() -> None:
    shown, attributes = re.findall(r"```(?:json)?\n(.*?)```", PAGE, re.DOTALL)
    spans = record_turn()
    assert "\n".join(tree(spans)) == shown.strip()
    assert json.loads(attributes).keys() == attributes_of(spans[0]).keys()
