"""Workers: subjects in their own processes, as the measuring process sees them."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import environments
from benchmarks.matrix import CALLS, FAMILIES

_PATIENCE = 120.0  # seconds; a worker that does not answer is ended


class Worker:
    """A subject in its own process; all calls of a process that has ended fail."""

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
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], _PATIENCE)
        if not readable:
            self._process.kill()
        line = self._process.stdout.readline() if readable else ""
        if line:
            return json.loads(line)
        error = f"the process ended with code {self._process.wait(_PATIENCE)}"
        return {"seconds": [], "errors": [error], "peak_memory": 0}

    def stop(self) -> None:
        """End the process."""
        try:
            self._process.communicate(timeout=_PATIENCE)
        except BrokenPipeError:  # it has ended already
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()


@contextmanager
def workers(names: list[str], url: str) -> Iterator[dict[str, Worker]]:
    """Start a worker for each name."""
    with ExitStack() as stack:
        started = {}
        for name in names:
            started[name] = Worker(name, url)
            stack.callback(started[name].stop)
        yield started
