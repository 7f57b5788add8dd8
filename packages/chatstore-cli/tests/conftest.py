"""Fixtures of the command's tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from scripts import chromium

_HERE = Path(__file__).parent
sys.path += [str(_HERE), str(_HERE.parents[1] / "chatstore-dynamodb" / "tests")]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the command the same environment everywhere."""
    for name in ("CHATSTORE_URL", "FORCE_COLOR", "NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LANG", "C.UTF-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser for the tests of a module; without one, they fail.

    While it runs, Playwright keeps an event loop running, so the other tests of a process could not
    call `asyncio.run`.
    """
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()
