"""The browser of the tests runs, with the libraries of its package alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from scripts import chromium


def test_it_runs_and_draws() -> None:
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        page = browser.new_page()
        page.set_content("<p style='width: 200px; font-family: sans-serif'>a page")
        assert page.evaluate("document.querySelector('p').offsetWidth") == 200
        assert page.screenshot().startswith(b"\x89PNG")
        browser.close()


def test_a_missing_browser_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(chromium, "_PACKAGE", tmp_path)
    with pytest.raises(FileNotFoundError, match="make setup installs the browser"):
        chromium.unpack()
