"""One measured thing in a process of its own: ``python -m benchmarks.worker FAMILY NAME URL``.

Reads a command a line from standard input, as JSON, and answers each with a line: what the calls
took in seconds, or what went wrong.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
from typing import Any

_MUCH = 0.5  # seconds of work after which there may be much garbage


def main() -> None:
    """Answer commands until standard input ends."""
    family, name, url = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a package prints must not get between the answers
    subject = importlib.import_module(f"benchmarks.subjects.{family}").make(name, url)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_obey(subject, json.loads(line))), file=answers, flush=True)
    if hasattr(subject, "close"):
        subject.close()


def _obey(subject: Any, command: dict[str, Any]) -> dict[str, Any]:
    """Make one call again and again; a call that fails is noted and not made anew."""
    call = getattr(subject, command["call"], None)
    if call is None:
        return {"missing": True}
    seconds, errors = [], []
    for number in range(-command["warm_ups"], command["calls"]):
        began = time.perf_counter()
        try:
            result = call(*command["arguments"])
        except Exception as error:  # noqa: BLE001 - whatever a package raises is its result
            errors.append(f"{type(error).__name__}: {error}"[:300])
            continue
        taken = time.perf_counter() - began
        if number >= 0:
            seconds.append(taken)
        del result
    if sum(seconds) > _MUCH:
        gc.collect()  # now, and not during the quick calls of a later turn
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "errors": errors, "peak_memory": memory}


if __name__ == "__main__":
    main()
