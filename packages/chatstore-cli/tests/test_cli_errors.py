"""Errors: one sentence, an exit code, no secrets, and a stack trace only with ``--debug``."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from command import COMMAND, Done, piped

from chatstore.cli.secrets import hide_secrets
from chatstore.core import open_store
from chatstore.core.testing.messages import message

SECRET = "hunter2"
URL = f"redis://me:{SECRET}@127.0.0.1:1"


def failed(*arguments: object) -> Done:
    done = piped(*arguments)
    assert done.out == ""
    assert SECRET not in done.err
    return done


def test_an_error_is_one_sentence() -> None:
    done = failed("ls", URL)

    assert done.code == 3
    assert done.err.startswith("chatstore: Redis at 127.0.0.1:1: connection refused;")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--debug", "ls", URL), ("ls", URL, "--debug")])
def test_debug_adds_a_stack_trace(arguments: tuple[str, ...]) -> None:
    done = failed(*arguments)

    assert done.code == 3
    assert "Traceback (most recent call last):" in done.err
    assert "chatstore.core.errors.StoreUnavailableError" in done.err


def test_keys_in_debug_lines_do_not_control_the_terminal(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    key = "\x1b[2J"
    with open_store(url) as store:
        store.add_message(key, message("x"))
    done = piped("--debug", "show", key, url)

    assert done.code == 0
    assert r"\x1b[2J" in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("ls",), 2, "Give its URL as the last argument, or set CHATSTORE_URL"),
        (("ls", "chat.db"), 2, "not a URL of a store"),
        (("ls", f"mysql://me:{SECRET}@host"), 2, "no installed backend opens mysql:// URLs"),
        (("ls", URL, f"redis://{SECRET}@host/?key={SECRET}"), 2, "redis://***@host/?***"),
        ((URL,), 2, "No such command"),
        (("ls", "--limit", "0", URL), 2, "--limit"),
        (("ls", "--colour"), 2, "No such option"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], code: int, message: str) -> None:
    done = failed(*arguments)

    assert done.code == code
    assert message in done.err
    assert done.err.count("\n") == 1


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other packages' entry points are hidden, as if they were not installed."""
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])
    done = failed("ls", URL)

    assert done.code == 2
    assert "pip install chatstore-redis" in done.err


def test_secrets_are_hidden() -> None:
    assert hide_secrets("x redis://a:b@c@host/0?d=e y") == "x redis://***@host/0?*** y"
    assert hide_secrets("sqlite:///chat.db is missing") == "sqlite:///chat.db is missing"
    assert hide_secrets("upstash://token@host") == "upstash://***@host"
    for password in ("a'b", 'a"b', "a<b", "a>b"):
        assert hide_secrets(f"no 'redis://me:{password}@host'") == "no 'redis://***@host'"


def test_the_version_is_printed() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)

    assert done.stdout == version("chatstore-cli") + "\n"


def test_help_is_fast_to_load() -> None:
    """Only a command that opens a store loads stores, Rich and pydantic."""
    code = (
        "import sys, chatstore.cli.app as app; app.create_app();"
        "print(sorted({'rich', 'pydantic', 'chatstore.core', 'starlette'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
