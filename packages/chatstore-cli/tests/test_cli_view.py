"""``chatstore view`` in a real terminal."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
from command import Terminal, piped
from pages import SECONDS, Viewer, browsing
from playwright.sync_api import Browser

from chatstore.cli.secrets import hide_secrets
from chatstore.core import open_store
from chatstore.core.testing.messages import message


def test_it_serves_until_it_is_interrupted(browser: Browser, each_store_url: str) -> None:
    write = "redis" in each_store_url
    with open_store(each_store_url) as store:
        store.create_conversation("k", owner="u1", title="Shown")
        store.create_conversation("l", owner="u2", title="Of another owner")
        store.add_message("k", message("hi"))
    options = ["--write"] if write else []

    terminal = Terminal("view", "--owner", "u1", *options, each_store_url, columns=200)
    terminal.wait_for("Ctrl-C")
    address = re.search(r"http://127\.0\.0\.1:(\d+)/#(\S+)", terminal.text)
    assert address is not None
    viewer = Viewer(address[0], int(address[1]), address[2])
    with browsing(browser, viewer) as watched:
        watched.wait_for_count("1 conversation")
        watched.open("Shown")
        assert watched.page.locator("#delete-button").is_visible() == write
        assert watched.page.inner_text("#store") == hide_secrets(each_store_url)
        watched.set_limit(100)
        assert "in 1 message" in watched.page.inner_text("#window-facts")
        assert ("Read-only" in terminal.text) == (not write)
        terminal.interrupt()  # while the page is open
        assert terminal.end() == 0
    assert terminal.lines[2:] == ["^C"]  # no complaint when it ends


def test_it_listens_on_loopback_only_and_opens_a_browser(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "opened"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{program} %s")
    with open_store(store_url) as store:
        store.add_message("k", message("hi"))
    terminal = Terminal("view", "--open", store_url, columns=200)
    terminal.wait_for("Ctrl-C")
    port = re.search(r"127\.0\.0\.1:(\d+)", terminal.text)
    assert port is not None
    listening = {
        line.split()[1].partition(":")[0]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].partition(":")[2], 16) == int(port[1])
    }
    deadline = time.monotonic() + SECONDS
    while not opened.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    terminal.interrupt()
    assert terminal.end() == 0
    assert opened.read_text() == terminal.lines[0]
    assert listening == {"0100007F"}  # 127.0.0.1, and nothing in the table of IPv6


def test_errors_are_reported_before_it_serves(tmp_path: Path, store_url: str) -> None:
    missing = piped("view", f"sqlite:///{tmp_path}/missing.db")
    assert (missing.code, missing.out) == (5, "")
    with open_store(store_url) as store:
        store.add_message("k", message("hi"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = piped("view", "--port", taken.getsockname()[1], store_url)
    assert (done.code, done.out) == (1, "")
    assert "is taken" in done.err
