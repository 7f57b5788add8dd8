"""What the README shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from azurite_server import ACCOUNT, KEY

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_snippets_run(service, capsys):
    assert len(SNIPPETS) == 2
    given = {
        "account_name": ACCOUNT,
        "account_key": KEY,
        "endpoint": service.endpoint,
        "connection_string": (
            f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={service.endpoint}"
        ),
    }
    for snippet in SNIPPETS:
        exec(compile(snippet, "README.md", "exec"), given)
    assert capsys.readouterr().out == "2\n"
    with given["AzureChatStore"].from_connection_string(given["connection_string"]) as store:
        store.delete_messages("user:42")
