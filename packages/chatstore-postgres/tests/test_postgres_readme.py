"""The README's examples run, with another address."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from postgres_servers import PostgresServer

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_readme_has_snippets() -> None:
    assert len(SNIPPETS) == 5


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet: str, newest_server: PostgresServer) -> None:
    database = f"readme_{uuid4().hex}"
    newest_server.execute(f"CREATE DATABASE {database}")
    place = f"postgres@127.0.0.1:{newest_server.port}/{database}"
    code = snippet.replace("user:password@localhost/db", place)
    exec(compile(code, "README.md", "exec"), {})
    tables = newest_server.execute(
        "SELECT count(*) FROM pg_tables WHERE tablename ~ '_(conversations|messages)$'",
        database=database,
    )
    assert tables == [(0 if "print(PostgresChatStore.ddl" in snippet else 2,)]
