"""The README's examples run unchanged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from azurite_server import ACCOUNT, KEY
from tables_proxy import TablesProxy

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_snippets_run(service: TablesProxy, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(SNIPPETS) == 2
    names: dict[str, Any] = {
        "account_name": ACCOUNT,
        "account_key": KEY,
        "endpoint": service.endpoint,
        "connection_string": (
            f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={service.endpoint}"
        ),
    }
    for snippet in SNIPPETS:
        exec(compile(snippet, "README.md", "exec"), names)
    assert capsys.readouterr().out == "2\n"
    with names["AzureChatStore"].from_connection_string(names["connection_string"]) as store:
        store.delete_messages("user:42")
