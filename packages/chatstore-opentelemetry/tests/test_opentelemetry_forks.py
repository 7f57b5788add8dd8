"""A fork waits until no thread records metrics: a child would inherit the SDK's locks."""

from __future__ import annotations

import os
import threading
import warnings
from typing import Any

from opentelemetry.metrics import Histogram, Meter, NoOpHistogram, NoOpMeter, NoOpMeterProvider

from chatstore.core import ChatStore, SimpleChatStore
from chatstore.opentelemetry import TracedBackend

IS_FREE, IS_LOCKED = 0, 1


class SlowHistogram(NoOpHistogram):
    """Has a lock, as the SDK's counters do, and holds it until it is told to go on."""

    lock = threading.Lock()
    has_lock = threading.Event()
    may_go_on = threading.Event()

    def record(self, *arguments: Any, **options: Any) -> None:
        with self.lock:
            self.has_lock.set()
            assert self.may_go_on.wait(60)


class SlowMeter(NoOpMeter):
    def create_histogram(self, name: str, *arguments: Any, **options: Any) -> Histogram:
        return SlowHistogram(name)


class SlowProvider(NoOpMeterProvider):
    def get_meter(self, *arguments: Any, **options: Any) -> Meter:
        return SlowMeter("slow")


def test_a_child_inherits_no_lock_of_a_counter() -> None:
    store = ChatStore(TracedBackend(SimpleChatStore().backend, meter_provider=SlowProvider()))
    thread = threading.Thread(target=store.count_messages, args=("k",))
    thread.start()
    assert SlowHistogram.has_lock.wait(60)
    # What is registered last is called first: the thread goes on when the fork has begun.
    os.register_at_fork(before=SlowHistogram.may_go_on.set)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads
        child = os.fork()
    if not child:
        os._exit(IS_LOCKED if SlowHistogram.lock.locked() else IS_FREE)
    thread.join()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == IS_FREE
