"""One subject in its own process: ``python -m benchmarks.worker FAMILY NAME URL``.

Reads commands from standard input, one line of JSON each, and answers each with a line of JSON: the
seconds of each call, and the errors.
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

_MUCH = 0.5  # seconds of work after which garbage is collected


def main() -> None:
    """Answer commands until standard input ends."""
    family, name, url = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a package's output must not mix with the answers
    subject = importlib.import_module(f"benchmarks.subjects.{family}").make(name, url)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_obey(subject, json.loads(line))), file=answers, flush=True)
    if hasattr(subject, "close"):
        subject.close()


def _obey(subject: Any, command: dict[str, Any]) -> dict[str, Any]:
    """Repeat one call and measure it; failed calls are recorded and not repeated."""
    call = getattr(subject, command["call"], None)
    if call is None:
        return {"missing": True}
    seconds, errors = [], []
    for number in range(-command["warm_ups"], command["calls"]):
        start = time.perf_counter()
        try:
            result = call(*command["arguments"])
        except Exception as error:  # noqa: BLE001 - whatever a package raises is its result
            errors.append(f"{type(error).__name__}: {error}"[:300])
            continue
        taken = time.perf_counter() - start
        if number >= 0:
            seconds.append(taken)
        del result
    if sum(seconds) > _MUCH:
        gc.collect()  # now, not during the fast calls of a later slice
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "errors": errors, "peak_memory": memory}


if __name__ == "__main__":
    main()
