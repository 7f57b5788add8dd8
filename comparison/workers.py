"""Workers: stores in their own processes, as the checking process sees them."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks import environments

TIMEOUT = 90.0
"""Seconds; a call that takes longer counts as hung."""
_START_TIMEOUT = 300.0  # seconds: large frameworks take long to import on a busy machine


class NotOfferedError(Exception):
    """The library has no such call or option; the text says which."""


class StoreError(Exception):
    """A call raised an error in the worker; the text is the error's class and first line."""


class HungError(StoreError):
    """A call did not return in time."""


class Worker:
    """A store in its own process."""

    def __init__(
        self,
        module: str,
        name: str,
        url: str,
        *,
        family: str | None = None,
        clock: float = 0.0,
        ttl: float | None = None,
    ) -> None:
        """Start the process and wait until the store is open.

        Args:
            module: The adapter.
            name: Which of its stores.
            url: Where the data is.
            family: The environment; ``None``: the workspace's.
            clock: Seconds by which this process's clock is ahead.
            ttl: Seconds after which conversations expire.

        Raises:
            NotOfferedError: The store has no such option.
            StoreError: The store cannot be opened.

        """
        python = Path(sys.executable) if family is None else environments.prepare(family)
        options = json.dumps({"clock": clock, "ttl": ttl})
        folders = [str(environments.ROOT), *(sys.path if family is None else ())]
        self._process = subprocess.Popen(
            [python, "-m", "comparison.worker", module, name, url, options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # answers have the errors
            text=True,
            cwd=environments.ROOT,
            env={**environments.plain_environment(), "PYTHONPATH": ":".join(folders)},
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._answer(_START_TIMEOUT)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def call(self, name: str, *arguments: Any, timeout: float = TIMEOUT) -> Any:
        """Make a call and return its result.

        Raises:
            NotOfferedError: The library has no such call.
            StoreError: The call raised an error, or did not return in time.

        """
        self.begin(name, *arguments)
        return self.end(timeout)

    def begin(self, name: str, *arguments: Any) -> None:
        """Make a call without waiting for its result."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"call": name, "arguments": arguments}) + "\n")
        self._process.stdin.flush()

    def end(self, timeout: float = TIMEOUT) -> Any:
        """Wait for the result of the call that `begin` has made; raises as `call` does."""
        return self._answer(timeout)

    def is_busy(self) -> bool:
        """Return whether the result of the call that `begin` has made is not there yet."""
        return self._lines.empty()

    def kill(self) -> None:
        """Kill the process at once, as a machine does that loses its power."""
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """End the process."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def _answer(self, timeout: float) -> Any:
        start = time.monotonic()
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            seconds = time.monotonic() - start
            raise HungError(f"the call did not return within {seconds:.0f} seconds") from None
        if not line:
            raise StoreError(f"the process ended with code {self._process.wait(30)}")
        answer = json.loads(line)
        if "not_offered" in answer:
            raise NotOfferedError(answer["not_offered"])
        if "error" in answer:
            raise StoreError(answer["error"])
        return answer.get("result")
