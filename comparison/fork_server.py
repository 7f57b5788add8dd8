"""Start workers by forking a process that has imported the library: imports take seconds.

``python -m comparison.fork_server MODULE`` imports an adapter. For each line of JSON on its
standard input, it forks a worker that reads and writes named pipes, and prints the worker's pid.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path
from typing import IO, Any

from comparison import worker


def main() -> None:
    """Fork workers until standard input ends."""
    importlib.import_module(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the workers
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _become_worker(request)
        print(child, flush=True)


def _become_worker(request: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, name, flags in ((0, "commands", os.O_RDONLY), (1, "answers", os.O_WRONLY)):
        pipe = os.open(Path(request["folder"]) / name, flags)
        os.dup2(pipe, number)
        os.close(pipe)
    sys.stdin = os.fdopen(0, closefd=False)  # the old one may have read more than one line
    sys.argv[1:] = request["arguments"]
    try:
        worker.main()
    finally:
        os._exit(0)


class Forked:
    """A worker's process, as `subprocess.Popen` describes one."""

    def __init__(self, pid: int, folder: Path) -> None:
        """Open the pipes of a worker."""
        self._pid = pid
        self.stdin: IO[str] | None = (folder / "commands").open("w")
        self.stdout: IO[str] | None = (folder / "answers").open()

    def kill(self) -> None:
        """Kill the process; its answers end when it is gone."""
        os.kill(self._pid, signal.SIGKILL)


class ForkServer:
    """A process that has imported an adapter."""

    def __init__(self, python: Path, module: str, environment: dict[str, str], root: Path) -> None:
        """Start the process.

        Args:
            python: The interpreter of the library's environment.
            module: The adapter.
            environment: The environment variables.
            root: The folder to start in.

        """
        self.module = module
        self._folder = tempfile.TemporaryDirectory()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [python, "-m", "comparison.fork_server", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=root,
            env=environment,
        )

    def start(self, arguments: list[str]) -> Forked:
        """Start a worker with the arguments of its command line."""
        folder = Path(self._folder.name) / uuid.uuid4().hex
        folder.mkdir()
        os.mkfifo(folder / "commands")
        os.mkfifo(folder / "answers")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            request = {"folder": str(folder), "arguments": arguments}
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the adapter {self.module} cannot be imported")
        return Forked(int(line), folder)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)
        self._folder.cleanup()


if __name__ == "__main__":
    main()
