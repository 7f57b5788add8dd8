"""Make the pictures of the viewer in ``docs/pictures``, from the running program.

``python -m scripts.viewer_pictures``
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from scripts import chromium
from scripts.viewer_conversations import fill
from scripts.workspace import ROOT

from chatstore.core import open_store

_FOLDER = ROOT / "docs" / "pictures"
_DESKTOP = {"viewport": {"width": 1200, "height": 760}}
_PHONE = {"viewport": {"width": 390, "height": 760}}
_LIMIT = "500"  # the window then begins with the turn that calls tools


def main() -> None:
    """Fill a store, start the viewer, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/shop.db"
        with open_store(url) as store:
            fill(store)
        command = [sys.executable, "-m", "chatstore.cli", "view", "--write", "sqlite:///shop.db"]
        viewer = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            _take_pictures(viewer.stdout.readline().strip() if viewer.stdout else "")
        finally:
            viewer.terminate()
            viewer.wait()


def _take_pictures(url: str) -> None:
    _FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        _take(browser, url, "viewer-light", _DESKTOP, "light")
        _take(browser, url, "viewer-dark", _DESKTOP, "dark")
        _take(browser, url, "viewer-phone", _PHONE, "light")
        browser.close()


def _take(browser: Browser, url: str, name: str, options: dict[str, Any], theme: Any) -> None:
    context = browser.new_context(**options, color_scheme=theme, timezone_id="UTC", locale="en-GB")
    page = context.new_page()
    page.goto(url)
    page.locator(".row", has_text="winter setup").click()
    page.fill("#limit", _LIMIT)
    page.press("#limit", "Enter")
    page.click("#start-button")
    _unfold(page)
    page.screenshot(path=_FOLDER / f"{name}.png", animations="disabled")
    context.close()
    size = Path(_FOLDER / f"{name}.png").stat().st_size
    print(f"docs/pictures/{name}.png: {size:,} bytes")


def _unfold(page: Page) -> None:
    """Open the tool call in sight, and show where the window starts."""
    page.locator("details.call").nth(1).evaluate("one => { one.open = true; }")
    page.locator(".start").evaluate("""one => {
      const list = document.querySelector('#transcript');
      list.scrollTop += one.getBoundingClientRect().top - list.getBoundingClientRect().top - 150;
    }""")
    page.evaluate("document.activeElement.blur()")


if __name__ == "__main__":
    main()
