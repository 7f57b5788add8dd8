"""The README's examples run as they are, except for the addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from chatstore.redis_scripts.testing import RedisServer, redis_server

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def sentinel(server: RedisServer) -> Iterator[RedisServer]:
    with redis_server("--sentinel") as watcher:
        with redis.Redis(port=watcher.port) as client:
            client.execute_command("SENTINEL", "MONITOR", "chat", "127.0.0.1", server.port, 1)
        yield watcher


def test_readme_has_snippets() -> None:
    assert len(SNIPPETS) == 4


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(
    snippet: str, server: RedisServer, cluster: list[RedisServer], sentinel: RedisServer
) -> None:
    known = {"localhost:6379": server, "localhost:7000": cluster[0]}
    for address, started in known.items():
        snippet = snippet.replace(address, f"127.0.0.1:{started.port}")
    snippet = snippet.replace('("localhost", 26379)', f'("127.0.0.1", {sentinel.port})')
    assert "localhost" not in snippet
    names = {"__name__": "readme"}
    exec(compile(snippet, "README.md", "exec"), names)
    for watcher in getattr(names.get("sentinel"), "sentinels", []):
        watcher.close()
