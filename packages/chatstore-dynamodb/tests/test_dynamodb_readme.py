"""The examples in the README run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dynamodb_server import DynamoDBServer

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_readme_has_snippets() -> None:
    assert len(SNIPPETS) == 4


def test_snippets_run(
    server: DynamoDBServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
    for snippet in SNIPPETS:
        exec(compile(snippet, "README.md", "exec"), {})
    assert capsys.readouterr().out == "['user:42']\n"
    server.client().delete_table(TableName="chats")
