"""Forks: what happens to locks, threads and connections when the process forks.

`os.register_at_fork` is called once, here, for all objects that were passed to `watch`.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable


class ForkAware:
    """An object that prepares for a fork; each method does nothing by default."""

    def before_fork(self) -> None:
        """Bring the object into a state that a child can inherit, within a bounded time."""

    def after_fork_in_parent(self) -> None:
        """Continue after `before_fork`."""

    def after_fork_in_child(self) -> None:
        """Continue in the child, where only this thread exists and connections are the parent's."""


_watched: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_forking = threading.Lock()  # serializes threads that fork at the same time
_prepared: list[ForkAware] = []
_inherited: list[object] = []


def watch(item: ForkAware) -> None:
    """Call the object's methods at each fork, for as long as it exists."""
    _watched.add(item)


class ForkLock(ForkAware):
    """A lock that is held while the process forks, so that no thread is in a ``with`` block then.

    The blocks must end within a bounded time. A thread that has the lock may acquire it again.
    """

    def __init__(self) -> None:
        """Create a lock that is free."""
        self._lock = threading.RLock()
        watch(self)

    def __enter__(self) -> None:
        """Wait until no other thread has the lock."""
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        """Release it."""
        self._lock.release()

    def before_fork(self) -> None:
        """Wait until no other thread has the lock."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Release it."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Release it; it belongs to this thread, which is the only one."""
        self._lock.release()


def keep_inherited(*items: object) -> None:
    """Keep the parent's connections in the child, which must neither use nor close them."""
    _inherited.extend(items)


def _before() -> None:
    _forking.acquire()
    for item in list(_watched):
        item.before_fork()
        _prepared.append(item)


def _after(resume: Callable[[ForkAware], None]) -> None:
    while _prepared:
        resume(_prepared.pop())
    _forking.release()


def _after_in_parent() -> None:
    _after(lambda item: item.after_fork_in_parent())


def _after_in_child() -> None:
    _after(lambda item: item.after_fork_in_child())


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
