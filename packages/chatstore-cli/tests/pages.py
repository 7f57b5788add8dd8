"""Run the viewer in this process, and a page in a real browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
from playwright.sync_api import Browser, Dialog, Page

from chatstore.cli.viewer import Listener, create_server
from chatstore.core import ChatStore

SECONDS = 60  # success is expected long before


class Viewer(NamedTuple):
    """A viewer that is running."""

    url: str
    port: int
    token: str

    @property
    def origin(self) -> str:
        """The address without the token."""
        return f"http://127.0.0.1:{self.port}"

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        """Send a request with the token, as the page does."""
        return self.send("GET", path, headers=headers, params=query or None)

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Send a request; ``headers`` replace those that the page would send."""
        values = {"authorization": f"Bearer {self.token}", **(headers or {})}
        sent = {name.encode(): value.encode() for name, value in values.items()}
        with httpx.Client(timeout=SECONDS, trust_env=False, verify=False) as client:
            return client.request(method, f"{self.origin}{path}", headers=sent, **options)


@contextmanager
def viewing(store: ChatStore, **options: Any) -> Iterator[Viewer]:
    """Run a viewer until the block ends."""
    listener = Listener()
    server = create_server(store, listener, **options)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]})
    thread.start()
    try:
        deadline = time.monotonic() + SECONDS
        while not server.started:
            assert thread.is_alive(), "the viewer did not start"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield Viewer(listener.url, listener.port, listener.token)
    finally:
        server.should_exit = True
        thread.join(SECONDS)


class Watched(NamedTuple):
    """A page, and everything that it did besides showing something."""

    page: Page
    viewer: Viewer
    events: list[str]

    def open(self, name: str) -> None:
        """Open the conversation of a row."""
        self.page.locator(".row", has_text=name).first.click()
        self.page.wait_for_selector("article")

    def set_limit(self, limit: int) -> None:
        """Choose the token limit of the window, and wait until it is shown."""
        self.page.fill("#limit", str(limit))
        self.page.press("#limit", "Enter")
        self.wait_for(f"document.querySelector('#window-facts').dataset.limit === '{limit}'")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true; Playwright's own way needs ``eval`` in the page."""
        deadline = time.monotonic() + SECONDS
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, condition
            self.page.wait_for_timeout(20)

    def wait_for_count(self, text: str) -> None:
        """Wait until the list says how long it is."""
        self.wait_for(f"document.querySelector('#count').textContent === '{text}'")


@contextmanager
def browsing(browser: Browser, viewer: Viewer, **options: Any) -> Iterator[Watched]:
    """Open the viewer's page in a new profile.

    Dialogs, errors, messages on the console, and requests to other addresses are recorded.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(1000 * SECONDS)
    page = context.new_page()
    events: list[str] = []

    def note_dialog(dialog: Dialog) -> None:
        events.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.on("dialog", note_dialog)
    context.on("page", lambda other: events.append(f"page: {other.url}"))

    def note_request(url: str) -> None:
        if not url.startswith((f"{viewer.origin}/", f"blob:{viewer.origin}/")):
            events.append(f"request: {url}")

    page.on("request", lambda request: note_request(request.url))
    page.goto(viewer.url)
    watched = Watched(page, viewer, events)
    watched.wait_for("/^[0-9]/.test(document.querySelector('#count').textContent)")
    yield watched
    context.close()
