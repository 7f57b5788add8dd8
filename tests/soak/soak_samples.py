"""What a process uses between two phases, when none of its calls is running."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

LEAST = 5  # samples; with fewer, nothing is compared
_MEBIBYTE = 1 << 20


class Sample(NamedTuple):
    """What is used.

    Attributes:
        memory: The resident memory, in bytes.
        blocks: Allocated blocks of Python's memory: garbage is collected before.
        files: Open files and sockets.
        threads: Threads.
        tasks: Tasks of the event loop.
        connections: Connections that the server has; the server's side fills it in.

    """

    memory: int
    blocks: int
    files: int
    threads: int
    tasks: int
    connections: int = 0


# How much more the end may have than the middle: caches of fixed size fill, pools keep few or many
# connections. A leak in each call, or in each fault, is more after some minutes.
_ALLOWED: dict[str, Callable[[float], float]] = {
    "memory": lambda middle: max(4 * _MEBIBYTE, 0.05 * middle),
    "blocks": lambda middle: max(3000, 0.01 * middle),
    "files": lambda middle: 12,
    "threads": lambda middle: 2,
    "tasks": lambda middle: 2,
    "connections": lambda middle: 12,
}


def take() -> Sample:
    """Take a sample of this process."""
    gc.collect()
    return Sample(
        memory=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        blocks=sys.getallocatedblocks(),
        files=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names are enough
        threads=threading.active_count(),
        tasks=len(asyncio.all_tasks()),
    )


def middle_and_end(samples: Sequence[Sample]) -> tuple[Sample, Sample]:
    """Return the medians of the fifth in the middle and of the last fifth."""
    count = len(samples)
    width = max(1, count // 5)
    begin = (count - width) // 2
    return _median(samples[begin : begin + width]), _median(samples[-width:])


def growth(samples: Sequence[Sample]) -> list[str]:
    """Return what grew from the middle to the end."""
    if len(samples) < LEAST:
        return []
    middle, end = (one._asdict() for one in middle_and_end(samples))
    return [
        f"{name} grew from {middle[name]} in the middle to {end[name]} at the end"
        for name, allowed in _ALLOWED.items()
        if end[name] - middle[name] > allowed(middle[name])
    ]


def _median(samples: Sequence[Sample]) -> Sample:
    return Sample(*(int(statistics.median(values)) for values in zip(*samples, strict=True)))
