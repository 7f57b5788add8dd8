"""Workers: subjects in their own processes, as the measuring process sees them."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import environments
from benchmarks.matrix import CALLS, FAMILIES


class Worker:
    """A subject in its own process."""

    def __init__(self, name: str, url: str) -> None:
        """Start the process with the Python of the subject's family."""
        family = FAMILIES[name]
        vocabulary = next(environments.FOLDER.glob("llama_index/**/tiktoken_cache"), None)
        settings = {"TIKTOKEN_CACHE_DIR": str(vocabulary)} if vocabulary else {}
        self._process = subprocess.Popen(
            [environments.prepare(family), "-m", "benchmarks.worker", family, name, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=environments.ROOT,
            env={**environments.plain_environment(), **settings},
        )
        self._answer()

    def call(self, workload: str, *arguments: Any, calls: int = 1, warm_ups: int = 0) -> Any:
        """Repeat a call and return the seconds of each; those of the warm-ups are left out."""
        command = {
            "call": CALLS[workload],
            "arguments": arguments,
            "calls": calls,
            "warm_ups": warm_ups,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"a worker ended with code {self._process.wait(30)}; its output is above"
            )
        return json.loads(line)

    def stop(self) -> None:
        """End the process."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=30)


@contextmanager
def workers(names: list[str], url: str) -> Iterator[dict[str, Worker]]:
    """Start a worker for each name."""
    with ExitStack() as stack:
        started = {}
        for name in names:
            started[name] = Worker(name, url)
            stack.callback(started[name].stop)
        yield started
