"""The README's examples run as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from upstash_double import UpstashDouble

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_readme_has_snippets() -> None:
    assert len(SNIPPETS) == 2


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet: str, double: UpstashDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", double.url)
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", double.token)
    exec(compile(snippet, "README.md", "exec"), {})
    assert double.requests
