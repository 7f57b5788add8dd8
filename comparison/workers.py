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
from typing import Any, NamedTuple

from benchmarks import environments

from comparison.adapters.adapter import NotOfferedError
from comparison.fork_server import Forked, ForkServer

TIMEOUT = 90.0
"""Seconds; a call that takes longer counts as hung."""
_START_TIMEOUT = 300.0  # seconds: large frameworks take long to import on a busy machine
_END_TIMEOUT = 60.0  # seconds


class StoreError(Exception):
    """A call raised an error in the worker; the text is the error's class and first line."""


class HungError(StoreError):
    """A call did not return in time."""


class Store(NamedTuple):
    """What a worker opens.

    Attributes:
        module: The adapter.
        family: The environment; ``None``: the workspace's.
        make: What opens the store, in the module.

    """

    module: str
    family: str | None = None
    make: str = "make"

    @property
    def python(self) -> Path:
        """The interpreter of the environment, which is created if it is missing."""
        return Path(sys.executable) if self.family is None else environments.prepare(self.family)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables."""
        folders = [str(environments.ROOT), *(sys.path if self.family is None else ())]
        return {**environments.plain_environment(), "PYTHONPATH": ":".join(folders)}


def fork_server(store: Store) -> ForkServer:
    """Start a process that has imported a store's adapter."""
    return ForkServer(store.python, store.module, store.environment, environments.ROOT)


class Worker:
    """A store in its own process."""

    def __init__(
        self,
        store: Store,
        url: str,
        *,
        forks: ForkServer | None = None,
        clock: float = 0.0,
        ttl: float | None = None,
    ) -> None:
        """Start the process and wait until the store is open.

        Args:
            store: What is opened.
            url: Where the data is.
            forks: A process that has imported the adapter, to be faster.
            clock: Seconds by which this process's clock is ahead.
            ttl: Seconds after which conversations expire.

        Raises:
            NotOfferedError: The store has no such option.
            StoreError: The store cannot be opened.

        """
        options = json.dumps({"clock": clock, "ttl": ttl})
        arguments = [store.module, store.make, url, options]
        self._process: subprocess.Popen[str] | Forked
        # Modules may keep the clock's functions when they are imported: change the clock before.
        if forks is None or clock:
            self._process = _spawn(store, arguments)
        else:
            self._process = forks.start(arguments)
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            self._answer(_START_TIMEOUT)
        except Exception:
            self.stop()
            raise

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
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._listener.join(_END_TIMEOUT)  # until the output ends, with the process

    def stop(self) -> None:
        """End the process."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._listener.join(5)
        if self._listener.is_alive():
            self.kill()
        if self._process.stdout is not None and not self._listener.is_alive():
            self._process.stdout.close()
        if isinstance(self._process, subprocess.Popen):
            self._process.wait(_END_TIMEOUT)

    def _answer(self, timeout: float) -> Any:
        start = time.monotonic()
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            seconds = time.monotonic() - start
            raise HungError(f"the call did not return within {seconds:.0f} seconds") from None
        if not line:
            raise StoreError("the process ended without an answer")
        answer = json.loads(line)
        if "not_offered" in answer:
            raise NotOfferedError(answer["not_offered"])
        if "error" in answer:
            raise StoreError(answer["error"])
        return answer.get("result")


def _spawn(store: Store, arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [store.python, "-m", "comparison.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # answers have the errors
        text=True,
        cwd=environments.ROOT,
        env=store.environment,
    )
