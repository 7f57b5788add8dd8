"""Figures on pages for readers are those of the newest published benchmarks."""

from __future__ import annotations

import re

import pytest
from scripts.workspace import ROOT

BENCHMARKS = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
SERVERS = ("sqlite", "redis", "postgres")
PUBLISHED = {
    "append against the bare driver's atomic write": "{0}, chatstore: append against bare ",
    "append at 100,000 against 10 messages": "{0}, chatstore: append at 100,000 against 10 ",
    "window at 100,000 against 100 messages": "{0}, chatstore: window at 100,000 against 100 ",
    "reading 10,000 messages": "{0}: read at 10,000, LlamaIndex against chatstore ",
    "importing `chatstore.core`": "import chatstore.core beyond pydantic ",
}


def published(bar: str) -> str:
    """Return what was measured for a bar."""
    match = re.search(rf"\| (?:met|\*\*missed\*\*) \| {re.escape(bar)}.*\| ([\d.]+)", BENCHMARKS)
    assert match, bar
    return match[1]


@pytest.mark.parametrize("what", PUBLISHED)
def test_figures_are_those_of_the_benchmarks(what: str) -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    (result,) = re.findall(rf"^\| {re.escape(what)} \| (.*) \|$", page, re.MULTILINE)
    servers = SERVERS if "{0}" in PUBLISHED[what] else ("",)
    expected = [published(PUBLISHED[what].format(server)) for server in servers]
    assert re.findall(r"[\d.]+(?= ×| ms)", result) == expected


def test_the_readme_has_the_ratio_of_an_append() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    ratios = [published(f"{name}, chatstore: append against bare ") for name in SERVERS]
    for ratio in ratios:
        assert f"{ratio} ×" in readme
