"""Run the command as users do: in a pipe, and in a real terminal."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pexpect
import pyte

from chatstore.cli.app import run

COMMAND = [sys.executable, "-m", "chatstore.cli"]
SECONDS = 60  # success is expected long before


class Done(NamedTuple):
    """What a command printed in a pipe, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[Any]:
        """The lines of ``--json``."""
        return [json.loads(line) for line in self.out.splitlines()]


def piped(*arguments: object) -> Done:
    """Run a command whose stdin, stdout and stderr are not terminals, in this process."""
    out, err = io.StringIO(), io.StringIO()
    stdin, sys.stdin = sys.stdin, io.StringIO()
    logger = logging.getLogger("chatstore")
    level, handlers = logger.level, list(logger.handlers)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = run(list(map(str, arguments)))
    finally:
        sys.stdin = stdin
        logger.setLevel(level)
        logger.handlers[:] = handlers
    return Done(code, out.getvalue(), err.getvalue())


def succeeded(*arguments: object) -> Done:
    """Run a command in a pipe; it must succeed and print no error."""
    done = piped(*arguments)
    assert (done.code, done.err) == (0, ""), done
    return done


def _heed_interruptions() -> None:
    """A program that is started in the background ignores them, and so do those that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A command in a pseudo terminal, and what the terminal shows."""

    def __init__(
        self, *arguments: object, columns: int = 80, lines: int = 40, stdout: Path | None = None
    ) -> None:
        """Start the command; its stdout may be a file instead of the terminal."""
        command = [*COMMAND, *map(str, arguments)]
        if stdout is not None:
            command = ["bash", "-c", 'exec "$@" > "$0"', str(stdout), *command]
        self.screen = pyte.Screen(columns, lines)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        self._process = pexpect.spawn(
            command[0],
            command[1:],
            dimensions=(lines, columns),
            timeout=SECONDS,
            # readline, if loaded, has put COLUMNS and LINES into this process's own environment.
            env=dict(os.environ),
            preexec_fn=_heed_interruptions,
        )
        self._process.delaybeforesend = None

    @property
    def lines(self) -> list[str]:
        """The screen's lines, without empty ones at the end."""
        lines = [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.lines)

    def wait_for(self, text: str) -> None:
        """Wait until the screen shows a text."""
        while text not in self.text:
            try:
                self._feed(self._process.read_nonblocking(65536, SECONDS))
            except (pexpect.EOF, pexpect.TIMEOUT):
                raise AssertionError(f"{text!r} is not on the screen:\n{self.text}") from None

    def send(self, text: str) -> None:
        """Type a text."""
        self._process.send(text)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.sendintr()

    def interrupt_question(self) -> None:
        """Press Ctrl-C once the command waits for an answer.

        Between showing a question and reading, Python would notice the signal only after an answer.
        """
        stat = Path(f"/proc/{self._process.pid}/stat")
        asleep = 0
        deadline = time.monotonic() + SECONDS
        while asleep < 5 and time.monotonic() < deadline:
            state = stat.read_text().rpartition(")")[2].split()[0]
            asleep = asleep + 1 if state == "S" else 0
            time.sleep(0.05)
        self.interrupt()

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the terminal, which sends SIGWINCH."""
        self.screen.resize(lines, columns)
        self._process.setwinsize(lines, columns)

    def end(self) -> int:
        """Wait until the command ends; return its exit code, as a shell does."""
        while True:
            try:
                self._feed(self._process.read_nonblocking(65536, SECONDS))
            except pexpect.EOF:
                break
        watchdog = threading.Timer(SECONDS, self._process.kill, [9])
        watchdog.start()
        self._process.wait()
        watchdog.cancel()
        if self._process.signalstatus:
            return 128 + int(self._process.signalstatus)
        return int(self._process.exitstatus or 0)

    def styles_of(self, text: str) -> set[tuple[str, bool]]:
        """Return the color and boldness of the characters of a text's first occurrence."""
        for row, line in enumerate(self.screen.display):
            column = line.find(text)
            if column >= 0:
                cells = self.screen.buffer[row]
                return {
                    (cells[index].fg, cells[index].bold)
                    for index in range(column, column + len(text))
                }
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    def _feed(self, data: bytes) -> None:
        self.raw += data
        self._stream.feed(data)


def shown(*arguments: object, columns: int = 80, lines: int = 40) -> Terminal:
    """Run a command in a terminal to its end; it must succeed."""
    terminal = Terminal(*arguments, columns=columns, lines=lines)
    code = terminal.end()
    assert code == 0, f"exit code {code}:\n{terminal.text}"
    return terminal
