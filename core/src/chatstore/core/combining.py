"""``AppendQueue``: while one append to a conversation is under way, others wait and are combined.

The first caller writes at once. Callers that come while it writes wait; then the first of them
writes the appends of all. So a caller waits only for another writer, and a conversation with many
writers in one process needs few requests.

Threads wait for threads, and tasks for tasks of the same event loop: a thread that waited for a
task of its own event loop would wait forever.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from chatstore.core.backend.forks import ForkAware, watch
from chatstore.core.backend.plans import Plan
from chatstore.core.backend.settling import settle
from chatstore.core.operations.appends import AppendPlan, PendingAppend, append_all

if TYPE_CHECKING:
    import asyncio

    _Place: TypeAlias = "tuple[asyncio.AbstractEventLoop | None, str]"

_MAX_CHARACTERS = 1_000_000  # of the bodies that one write combines


class AppendQueue(ForkAware):
    """The appends of a store that are under way or wait."""

    def __init__(self, max_records: int) -> None:
        """Start without appends.

        Args:
            max_records: The most records that one write combines.

        """
        self._max_records = max_records
        self._reset()
        watch(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        # Those that wait, for each conversation that is being written.
        self._waiting: dict[_Place, deque[_Waiter]] = {}

    def run(self, plan: AppendPlan, run: Callable[[Plan[Any, Any]], Any]) -> Any:
        """Run an append, alone or with others.

        Args:
            plan: The append.
            run: Runs a plan.

        """
        place, waiter = (None, plan.key), _ThreadWaiter(plan)
        try:
            if not self._enter(place, waiter):
                waiter.woken.wait()
            if waiter.leads:
                run(self._write(place, waiter))
        finally:  # a signal handler may raise anywhere, and others wait
            self._leave(place, waiter)
        if waiter.error is not None:
            raise waiter.error

    async def async_run(
        self, plan: AppendPlan, run: Callable[[Plan[Any, Any]], Awaitable[Any]]
    ) -> Any:
        """Like `run`, for a task."""
        import asyncio  # a sync program never loads it

        place, waiter = (asyncio.get_running_loop(), plan.key), _TaskWaiter(plan)
        try:
            if not self._enter(place, waiter):
                await waiter.woken
            if waiter.leads:
                await run(self._write(place, waiter))
        finally:
            if self._leave(place, waiter):  # the task is cancelled
                await settle(waiter.woken)  # nothing is written after its call has ended
        if waiter.error is not None:
            raise waiter.error

    def after_fork_in_child(self) -> None:
        """Start without appends: their threads are the parent's."""
        self._reset()

    def _enter(self, place: _Place, waiter: _Waiter) -> bool:
        """Return whether the caller may write at once; otherwise it must wait."""
        with self._lock:
            waiting = self._waiting.get(place)
            if waiting is None:
                waiter.leads = True
                self._waiting[place] = deque()
                return True
            waiter.prepare()
            waiting.append(waiter)
            return False

    def _write(self, place: _Place, leader: _Waiter) -> Plan[Any, None]:
        """Return a plan that does the append of the leader and, if possible, of others."""
        with self._lock:
            waiting = self._waiting[place]
            if not waiting:
                return leader.plan.steps
            ids = {record.id for record in leader.records}
            size = leader.size
            while waiting:
                other = waiting[0]
                size += other.size
                count = len(ids) + len(other.records)
                ids.update(record.id for record in other.records)
                is_repeated = len(ids) < count  # one append must not have an id twice
                if is_repeated or count > self._max_records or size > _MAX_CHARACTERS:
                    break
                leader.others.append(waiting.popleft())
        if not leader.others:
            return leader.plan.steps
        return append_all(leader.plan.backend, leader.plan.key, [leader, *leader.others])

    def _leave(self, place: _Place, waiter: _Waiter) -> bool:
        """End a call; return whether another one still writes its append."""
        if waiter.leads:
            self._pass_on(place, waiter.others)
            return False
        with self._lock:
            if waiter.is_finished:
                return False
            waiting = self._waiting.get(place)
            if waiting is not None and waiter in waiting:
                waiting.remove(waiter)
                return False
            waiter.is_abandoned = True
            waiter.prepare()
            return True

    def _pass_on(self, place: _Place, others: list[_Waiter]) -> None:
        """Wake those of the leader's batch whose appends are done, and the next one that writes."""
        with self._lock:
            # A signal may have interrupted the call before it was noted.
            waiting = self._waiting.setdefault(place, deque())
            ended = [one for one in others if one.is_finished or one.is_abandoned]
            if len(ended) < len(others):
                # The leader was cancelled, and the outcome of these is not known: they write
                # again, and what exists already is not added twice.
                waiting.extendleft(one for one in reversed(others) if one not in ended)
            if waiting:
                waiting[0].leads = True
                ended.append(waiting.popleft())
            else:
                del self._waiting[place]
        for one in ended:
            one.wake()


class _Waiter(PendingAppend, ABC):
    """A caller that writes for itself and others, or waits.

    Attributes:
        plan: Its append alone.
        leads: Whether it writes.
        others: If it writes: those for which it writes, too.
        is_abandoned: Whether it was cancelled while another caller writes its append.

    """

    def __init__(self, plan: AppendPlan) -> None:
        super().__init__(plan.records)
        self.plan = plan
        self.leads = False
        self.others: list[_Waiter] = []
        self.is_abandoned = False

    @property
    def size(self) -> int:
        """The characters of its records."""
        return sum(len(record.body) for record in self.records)

    @abstractmethod
    def prepare(self) -> None:
        """Prepare to wait."""

    @abstractmethod
    def wake(self) -> None:
        """End the wait."""


class _ThreadWaiter(_Waiter):
    woken: threading.Event

    def prepare(self) -> None:
        self.woken = threading.Event()

    def wake(self) -> None:
        self.woken.set()


class _TaskWaiter(_Waiter):
    woken: asyncio.Future[None]

    def prepare(self) -> None:
        import asyncio  # it is loaded if there is a loop

        self.woken = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        if not self.woken.done():  # the task may be cancelled at the same time
            self.woken.set_result(None)
