"""One store in its own process: ``python -m comparison.worker MODULE MAKE URL OPTIONS``.

Reads commands from standard input, one line of JSON each, and answers each with a line of JSON. It
runs in the library's environment, so it imports nothing but the standard library and adapters.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from comparison.adapters.adapter import Adapter, Message, NotOfferedError

_CHILD_TIMEOUT = 40  # seconds


def main() -> None:
    """Answer commands until standard input ends."""
    module, make, url, text = sys.argv[1:]
    options = json.loads(text)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a package's output must not mix with the answers
    if options["clock"]:
        _shift_clock(options["clock"])
    commands: Commands | None = None

    def open_store() -> None:
        nonlocal commands
        adapter = getattr(importlib.import_module(module), make)(url, options["ttl"])
        commands = Commands(adapter)

    print(json.dumps(_try(open_store)), file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        call = getattr(commands, command["call"])
        answer = _try(partial(call, *command["arguments"]))
        print(json.dumps(answer), file=answers, flush=True)


def _try(call: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"result": call()}
    except NotOfferedError as error:
        return {"not_offered": str(error)}
    except Exception as error:
        return {"error": short(error)}


def short(error: BaseException) -> str:
    """Return an error's class and the first line of its text, without paths of files."""
    lines = str(error).strip().splitlines() or [""]
    # Where files are is of no interest, and differs between machines.
    line = re.sub(r"/[\w.+~-]+(/[\w.+~-]+)+", "…", lines[0])
    return f"{type(error).__name__}: {line}"[:160]


def _shift_clock(seconds: float) -> None:
    """Let this process read another time, as on a machine whose clock is wrong."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() + seconds
    time.time_ns = lambda: now_ns() + round(seconds * 1e9)


class Commands:
    """What the checks ask a store for."""

    def __init__(self, adapter: Adapter) -> None:
        """Remember the store."""
        self.adapter = adapter

    def append(self, key: str, messages: list[Message]) -> dict[str, Any]:
        """Add messages one by one; return how many calls succeeded, and the errors."""
        errors: list[str] = []
        for message in messages:
            try:
                self.adapter.append(key, message)
            except Exception as error:
                errors.append(short(error))
        return {"acknowledged": len(messages) - len(errors), "errors": errors}

    def write_many(self, key: str, messages: list[Message]) -> None:
        """Write messages in one call."""
        self.adapter.write_many(key, messages)

    def read(self, key: str) -> list[Message]:
        """Read a conversation."""
        return self.adapter.read(key)

    def texts(self, key: str) -> list[str]:
        """Read a conversation's texts."""
        return [message["text"] for message in self.adapter.read(key)]

    def fill(self, key: str, messages: list[Message]) -> None:
        """Write many messages, in one call if the library has one for it."""
        try:
            self.adapter.write_many(key, messages)
        except NotOfferedError:
            for message in messages:
                self.adapter.append(key, message)

    def cost(self, key: str, call: str, repetitions: int, measure: str) -> float:
        """Return the least cost of one call, in seconds or in Python calls."""
        act: Callable[[], object] = {
            "append": lambda: self.adapter.append(key, {"role": "user", "text": "x" * 600}),
            "recent": lambda: self.adapter.recent(key),
        }[call]
        act()  # connects, prepares statements
        return min({"seconds": _seconds, "calls": _calls}[measure](act) for _ in range(repetitions))

    def append_in_threads(self, key: str, threads: int, each: int) -> dict[str, Any]:
        """Add messages from several threads that share the store."""
        errors: list[str] = []

        def work(number: int) -> None:
            for count in range(each):
                try:
                    self.adapter.append(key, {"role": "user", "text": f"{number}-{count}"})
                except Exception as error:
                    errors.append(short(error))

        started = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        return {"acknowledged": threads * each - len(errors), "errors": errors}

    def append_in_fork(self, key: str, texts: list[str]) -> list[str]:
        """Add messages in a forked child while the parent adds others; return the errors."""
        receiver, sender = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(_CHILD_TIMEOUT)  # a child that hangs must not outlive the check
        errors = self._append_texts(key, texts, "child" if child == 0 else "parent")
        if child == 0:
            os.write(sender, json.dumps(errors).encode())
            os._exit(0)
        os.close(sender)
        os.waitpid(child, 0)
        with os.fdopen(receiver) as stream:
            text = stream.read()
        errors_of_child: list[str] = (
            json.loads(text) if text else ["the child ended without an answer"]
        )
        return [*errors, *errors_of_child]

    def _append_texts(self, key: str, texts: list[str], who: str) -> list[str]:
        errors: list[str] = []
        for text in texts:
            try:
                self.adapter.append(key, {"role": "user", "text": f"{who} {text}"})
            except Exception as error:
                errors.append(f"{who}: {short(error)}")
        return errors

    def window_limits(self) -> list[int]:
        """Return the limits to try."""
        return self.adapter.window_limits()

    def window(self, key: str, messages: list[Message], limit: int) -> list[Message]:
        """Return what the library would send to a model."""
        return self.adapter.window(key, messages, limit)

    def copy_samples(self, prefix: str) -> dict[str, str]:
        """Store each sample and read it back; return what happened to those that differ."""
        outcomes: dict[str, str] = {}
        for name, sample in self.adapter.samples().items():
            key = f"{prefix}{len(outcomes)}"
            try:
                self.adapter.put_sample(key, sample)
            except Exception as error:
                outcomes[name] = f"refused with {short(error)}"
                continue
            try:
                after = self.adapter.get_sample(key)
                outcomes[name] = "same" if self.adapter.same(sample, after) else "changed"
            except Exception as error:
                outcomes[name] = f"stored, and then unreadable: {short(error)}"
        return outcomes


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _calls(act: Callable[[], object]) -> float:
    count = 0

    def see(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(see)
    try:
        act()
    finally:
        sys.setprofile(None)
    return float(count)


if __name__ == "__main__":
    main()
