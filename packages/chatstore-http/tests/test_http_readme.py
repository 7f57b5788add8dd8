"""The README's applications run, and the table of routes in the documentation is complete."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from http_servers import LONGEST, wait_for
from programs import snippets

from chatstore.http.routing import ENDPOINTS

PACKAGE = Path(__file__).parent.parent
FASTAPI, STARLETTE = snippets(PACKAGE / "README.md")
ROUTES = (PACKAGE.parent.parent / "docs" / "http.md").read_text(encoding="utf-8")


@contextmanager
def serve(program: str, folder: Path) -> Iterator[str]:
    """Serve a program with the command of the README; return the URL."""
    (folder / "app.py").write_text(program)
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", "0"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        lines: list[str] = []

        def url() -> str | None:
            assert process.stderr is not None
            lines.append(process.stderr.readline())
            match = re.search(r"running on (http://[\d.:]+)", lines[-1])
            assert lines[-1], "".join(lines)
            return match and match.group(1)

        yield wait_for(url)
    finally:
        process.terminate()
        process.communicate(timeout=LONGEST)


@pytest.mark.parametrize("program", [FASTAPI, STARLETTE], ids=["fastapi", "starlette"])
def test_the_application_runs(program: str, tmp_path: Path) -> None:
    headers = {"authorization": "anna"}
    with (
        serve(program, tmp_path) as url,
        httpx.Client(base_url=f"{url}/api", headers=headers, trust_env=False) as client,
    ):
        assert client.get("health").json() == {"status": "ok"}
        key = client.post("conversations", json={"title": "Lisbon"}).json()["key"]
        question = {"messages": [{"role": "user", "content": "Where?"}]}
        assert client.post(f"conversations/{key}/messages", json=question).status_code == 201
        if program is FASTAPI:
            assert client.post(f"conversations/{key}/answer").text == "In Alfama."
            assert client.get(f"{url}/docs").status_code == 200
        page = client.get(f"conversations/{key}/messages", params={"format": "ui"}).json()
        contents = [message["parts"][-1]["text"] for message in page["data"]]
        assert contents == ["Where?", "In Alfama."][: len(contents)]
        assert len(contents) == (2 if program is FASTAPI else 1)


def test_the_application_is_short() -> None:
    lines = [line for line in FASTAPI.splitlines() if line]
    assert len(lines) <= 18


def test_the_documentation_lists_all_routes() -> None:
    rows = [
        f"| `{one.method} {one.path}` | {one.summary} | {int(one.status)} | "
        f"{', '.join(str(int(status)) for status in one.all_problems if status < 500)} |"
        for one in ENDPOINTS
    ]
    table = ROUTES.partition("<!-- routes -->\n")[2].partition("\n<!-- end of routes -->")[0]
    assert table.splitlines()[2:] == rows
