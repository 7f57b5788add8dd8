"""Start and stop servers in processes of their own, and read from them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from http_server_program import text_of

T = TypeVar("T")

HERE = Path(__file__).parent
LONGEST = 60.0


def wait_for(read: Callable[[], T | None]) -> T:
    """Return the first result that is not ``None``."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        result = read()
        if result is not None:
            return result
        time.sleep(0.02)
    raise AssertionError("it did not happen in a minute")


def client_options(base: str) -> dict[str, Any]:
    """Return the options of httpx's clients; without certificates, which take long to load."""
    return {"base_url": base, "timeout": LONGEST, "trust_env": False, "verify": False}


class Server:
    """A server process.

    Attributes:
        base: The URL of the routes.

    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take a process that prints its port."""
        assert process.stdout is not None
        self.process = process
        self.base = f"http://127.0.0.1:{int(process.stdout.readline())}/api"

    def client(self, owner: str) -> httpx.Client:
        """Return a client of an owner."""
        return httpx.Client(headers={"user": owner}, **client_options(self.base))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end of the process."""
        self.process.send_signal(number)
        self.process.wait(LONGEST)


@contextmanager
def run_server(url: str, *options: str) -> Iterator[Server]:
    """Run a server with a store."""
    command = [sys.executable, str(HERE / "http_server_program.py"), url, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE) as process:
        try:
            yield Server(process)
        finally:
            process.terminate()
            try:
                process.wait(LONGEST)
            finally:
                process.kill()


def create(client: httpx.Client) -> str:
    """Create a conversation and return its key."""
    response = client.post("conversations", json={})
    assert response.status_code == 201, response.text
    return str(response.json()["key"])


def read_pieces(response: httpx.Response, pieces: int) -> None:
    """Receive this number of pieces of an answer."""
    text = ""
    for received in response.iter_text():
        text += received
        if text == text_of(pieces):
            return
    raise AssertionError("the response ended before")


def answer_and_hang_up(client: httpx.Client, key: str, pieces: int) -> str:
    """Receive the first pieces of an answer that does not end, hang up, and return its id."""
    query: dict[str, Any] = {"pieces": pieces, "end": "hold"}
    with client.stream("POST", f"conversations/{key}/answer", params=query) as response:
        assert response.status_code == 200
        read_pieces(response, pieces)
        return str(response.headers["chatstore-message-id"])


def read_answer(client: httpx.Client, key: str, message_id: str) -> dict[str, Any] | None:
    """Return a message, ``None`` if it is missing."""
    response = client.get(f"conversations/{key}/messages/{message_id}")
    assert response.status_code in {200, 404}, response.text
    return dict(response.json()) if response.status_code == 200 else None
