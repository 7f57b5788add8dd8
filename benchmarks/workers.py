"""Workers: the subjects in processes of their own, as the measuring process sees them."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import environments
from benchmarks.plan import CALLS, FAMILIES


class Worker:
    """A subject in a process of its own."""

    def __init__(self, name: str, url: str) -> None:
        """Start it, with its family's Python."""
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

    def do(self, workload: str, *arguments: Any, calls: int = 1, warm_ups: int = 0) -> Any:
        """Make calls one after the other and return what they come to, those after warm-ups."""
        command = {"call": CALLS[workload], "arguments": arguments}
        command |= {"calls": calls, "warm_ups": warm_ups}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended with code {self._process.wait(30)}: see above")
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
