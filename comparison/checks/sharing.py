"""Safe to share: threads, their event loops, and forked processes use one store."""

from __future__ import annotations

from comparison.lab import Lab, Outcome, StoreError, user

_THREADS, _EACH = 8, 10


def check(lab: Lab) -> Outcome:
    """Use one store from eight threads, then from a forked process and its parent at once."""
    failures = [*_threads(lab), *_fork(lab)]
    fork = "" if lab.is_in_one_process else ", and a fork while the store is open"
    return Outcome.of(failures, f"{_THREADS} threads × {_EACH} appends on one store{fork}")


def _threads(lab: Lab) -> list[str]:
    worker = lab.worker()
    who = f"{_THREADS} threads × {_EACH} appends on one store"
    try:
        worker.call("append", "plain1", [user("first")])
        answer = worker.call("append_in_threads", "plain1", _THREADS, _EACH)
        stored = len(worker.call("texts", "plain1")) - 1
    except StoreError as error:
        return [f"{who}: {error}"]
    if stored == _THREADS * _EACH and not answer["errors"]:
        return []
    shown = f", {len(answer['errors'])} errors: {answer['errors'][0]}" if answer["errors"] else ""
    return [f"{who}: {stored} stored{shown}"]


def _fork(lab: Lab) -> list[str]:
    if lab.is_in_one_process:
        return []  # a child has a memory of its own
    worker = lab.worker()
    texts = [str(number) for number in range(20)]
    try:
        worker.call("append", "plain2", [user("first")])
        errors = worker.call("append_in_fork", "plain2", texts)
        stored = len(lab.worker().call("texts", "plain2")) - 1
    except StoreError as error:
        return [f"a fork while the store is open: {error}"]
    if stored == 2 * len(texts) and not errors:
        return []
    shown = f"; {errors[0]}" if errors else ""
    return [f"after a fork, {stored} of {2 * len(texts)} appends are stored{shown}"]
