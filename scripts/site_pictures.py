"""Take pictures of the built site: at the width of a desktop and of a phone, light and dark.

``make site`` builds the site; ``python -m scripts.site_pictures FOLDER [PAGE ...]`` writes a
picture of each page, such as ``backends/redis/``, in each form. It fails if a page is wider than
the screen or asks another host for something.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from scripts import chromium
from scripts.workspace import ROOT

PAGES = ("", "start/", "backends/redis/", "operations/", "windows/", "api/chatstore.core/")
FORMS: dict[str, dict[str, Any]] = {
    "desktop-light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "desktop-dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone-light": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


class _Quiet(SimpleHTTPRequestHandler):
    """A server that logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base
        """Do nothing."""


@contextmanager
def serve(site: Path) -> Iterator[str]:
    """Serve a folder on this machine, and return the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def problems(browser: Browser, address: str, page: str, form: str, picture: Path | None) -> str:
    """Open a page, take its picture, and return what is wrong with it."""
    foreign: list[str] = []
    context = browser.new_context(**FORMS[form])
    tab = context.new_page()
    tab.on("request", lambda one: None if one.url.startswith(address) else foreign.append(one.url))
    tab.goto(address + page, wait_until="networkidle")
    width, visible = tab.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    if picture:
        tab.screenshot(path=picture, animations="disabled")
    context.close()
    wide = [f"it is {width} pixels wide on a screen of {visible}"] if width > visible else []
    foreign = [one for one in foreign if not one.startswith(("data:", "blob:"))]
    return "; ".join([*wide, *(f"it loads {one}" for one in foreign)])


def main(arguments: list[str]) -> int:
    """Take all pictures, and return whether a page has a problem."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with serve(ROOT / ".site") as address, sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for page in arguments[1:] or PAGES:
            for form in FORMS:
                name = page.strip("/").replace("/", "-") or "home"
                problem = problems(browser, address, page, form, folder / f"{name}-{form}.png")
                if problem:
                    print(f"{page or 'home'}, {form}: {problem}")
                    count += 1
        browser.close()
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
