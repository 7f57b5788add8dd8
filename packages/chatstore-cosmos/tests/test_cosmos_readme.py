"""The README's examples run unchanged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cosmos_double import CosmosDouble

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_readme_has_snippets() -> None:
    assert len(SNIPPETS) == 2


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet: str, double: CosmosDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSMOS_ENDPOINT", double.endpoint)
    monkeypatch.setenv("COSMOS_KEY", double.key)
    connection = f"AccountEndpoint={double.endpoint};AccountKey={double.key};"
    monkeypatch.setenv("COSMOS_CONNECTION", connection)
    exec(compile(snippet, "README.md", "exec"), {})
    assert double.service.databases["chatstore"]["messages"]
