"""``open_store`` and ``from_url``."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from chatstore.core import (
    ChatMessage,
    InvalidArgumentError,
    SimpleChatStore,
    UnknownSchemeError,
    open_store,
)
from chatstore.core.urls import GROUP


def test_memory() -> None:
    with open_store("memory://") as store:
        store.add_message("a", ChatMessage(role="user", content="hi"))
        assert store.count_messages("a") == 1
    assert isinstance(store, SimpleChatStore)


def test_a_file_is_read_at_open_and_written_at_close(tmp_path: Path) -> None:
    path = tmp_path / "with space.json"
    url = f"file://{path}".replace(" ", "%20")
    with open_store(url) as store:
        store.add_message("a", ChatMessage(role="user", content="hi"))
        assert not path.exists()
    assert path.exists()
    with open_store(url) as store:
        assert store.get_messages("a") == [ChatMessage(role="user", content="hi")]


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("memory://?ttl=60", {}),
        ("memory://", {"ttl": 60}),
        ("memory://?ttl=5", {"ttl": 60.0}),
        ("memory://?ttl=60", {"ttl": None}),
    ],
)
def test_options_by_keyword_override_those_of_the_url(url: str, options: dict[str, Any]) -> None:
    now = 1000.0
    store = open_store(url, clock=lambda: now, **options)
    store.add_message("a", ChatMessage(role="user", content="hi"))
    now += 59
    assert store.count_messages("a") == 1
    now += 1
    assert store.count_messages("a") == 0


@pytest.mark.parametrize("url", ["memory://", "file:///nowhere/chat.json"])
def test_unknown_options_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        open_store(url, tll=60)
    scheme = url.partition(":")[0]
    assert str(caught.value) == (
        f"unknown option 'tll' of {scheme}:// stores; known options: clock, ttl"
    )


def test_options_of_other_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = SimpleChatStore()

    def open_any(url: str, **options: object) -> SimpleChatStore:
        assert url == "any://host"
        assert options == {"size": 3}
        return opened

    entries = [EntryPoint("any", "", GROUP)]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: entries)
    monkeypatch.setattr(EntryPoint, "load", lambda _: open_any)
    assert open_store("any://host", size=3) is opened


@pytest.mark.parametrize("url", ["sqlite:///chat.db", "memory", "file:chat", "memory://a", 7])
def test_a_store_refuses_urls_of_other_stores(url: str) -> None:
    with pytest.raises(InvalidArgumentError):
        SimpleChatStore.from_url(url)


@pytest.mark.parametrize(
    ("scheme", "named"),
    [
        ("azure-tables", "chatstore-azure"),
        ("rediss", "chatstore-redis"),
        ("nonsense", "nonsense://"),
    ],
)
def test_an_unknown_scheme_says_what_to_install(
    scheme: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])
    with pytest.raises(UnknownSchemeError, match=named) as caught:
        open_store(f"{scheme}://user:hunter2@host/0")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "chat.json",
        "memory:",
        "memory://host",
        "memory:///path",
        "memory://?ttl=soon",
        "memory://?ttl=-1",
        "memory://?ttl=nan",
        "memory://?color=red",
        "file://host/chat.json",
        "file://",
        "file:///a%00b",
        "file://[",
    ],
)
def test_what_cannot_be_opened_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError):
        open_store(url)


class Entry(NamedTuple):
    """An entry point of an installed backend."""

    name: str


@pytest.mark.parametrize(
    ("scheme", "advice"),
    [
        ("postgresql+psycopg2", "use postgresql://"),
        ("postgres+asyncpg", "use postgresql://"),
        ("pgsql", "use postgresql://"),
        ("sqlite3", "use sqlite://"),
        ("sqlite+aiosqlite", "use sqlite://"),
        ("redis+sentinel", "Sentinel"),
        ("redis+cluster", "cluster=true"),
        ("redsi", "did you mean redis://?"),
        ("dynamo", "did you mean dynamodb://?"),
        ("mongodb", "installed backends open file://, memory://, postgresql://"),
    ],
)
def test_a_scheme_of_an_installed_backend_is_not_to_be_installed(
    scheme: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry(name) for name in ("file", "memory", "postgresql", "redis", "sqlite")]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: entries)
    with pytest.raises(UnknownSchemeError, match=re.escape(advice)) as caught:
        open_store(f"{scheme}://user:hunter2@host/0")
    assert "pip install" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("tll=60", "unknown option 'tll' in the memory:// URL; known options: ttl"),
        ("ttl=60&ttl=70", "given twice"),
        ("ttl=hunter2", "must be a number"),
    ],
)
def test_options_are_checked(query: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentError, match=reason) as caught:
        open_store(f"memory://?{query}")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None
