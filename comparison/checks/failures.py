"""No silent failure: damaged data and a dead server raise an error."""

from __future__ import annotations

import time

from comparison.lab import Lab, Outcome, StoreError, user
from comparison.workers import HungError

_MARKER = "marker-of-damage"
_LIMIT = 60.0  # seconds in which a call must say that the server is dead


def check(lab: Lab) -> Outcome:
    """Overwrite a stored message, then read; stop the server, then read and append."""
    if lab.is_in_one_process:
        return Outcome(None, "in memory: no server, and nothing that could be damaged")
    failures = [*_damage(lab), *_dead_server(lab)]
    server = "" if lab.server.port is None else "; a dead server raises an error on both calls"
    return Outcome.of(failures, f"a damaged message raises an error{server}")


def _damage(lab: Lab) -> list[str]:
    worker = lab.worker()
    worker.call("append", "plain1", [user("before"), user(_MARKER), user("after")])
    assert lab.server.damage(_MARKER), "the stored message was not found"
    for reader in (worker, lab.worker()):  # the second has nothing in memory
        try:
            texts = reader.call("texts", "plain1")
        except StoreError:
            continue
        if _MARKER not in texts:
            shown = ", ".join(str(text)[:20] for text in texts) or "nothing"
            return [f"with a stored message overwritten, a read of 3 messages returns {shown}"]
    return []


def _dead_server(lab: Lab) -> list[str]:
    if lab.server.port is None:
        return []
    worker = lab.worker()
    worker.call("append", "plain2", [user("first")])
    lab.server.stop()
    failures: list[str] = []
    try:
        for name, arguments in (("texts", ["plain2"]), ("append", ["plain2", [user("x")]])):
            start = time.monotonic()
            try:
                answer = worker.call(name, *arguments, timeout=_LIMIT)
            except HungError:
                failures.append(f"{name} says nothing for {_LIMIT:.0f} s when the server is dead")
                break
            except StoreError:
                continue
            if not (name == "append" and answer["errors"]):
                seconds = time.monotonic() - start
                failures.append(f"with a dead server, {name} returns {answer} ({seconds:.1f} s)")
    finally:
        lab.server.start()
    return failures
