"""Stores on the small server that heal wrongly, and the tests that must reject them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, NamedTuple, TypeVar

from tcp_backend import ATTEMPTS, Client, TcpBackend
from tcp_server import ReadOnlyError, Request

from chatstore.core import ChatStore, CorruptStoreError
from chatstore.core.backend import Append, Existing, Health, Plan
from chatstore.core.errors import ChatStoreError

T = TypeVar("T")


class NoticesOneAtATime(TcpBackend):
    """Discards the connection that failed, and keeps the older ones."""

    def health_after(self, error: Exception) -> Health:
        return Health.BROKEN


class KeepsDeadConnections(TcpBackend):
    """Puts every connection back into the pool."""

    reuses_all = True

    def health_after(self, error: Exception) -> Health:
        return Health.FINE


class KeepsWhatTimedOut(KeepsDeadConnections):
    """Reuses a connection with a late reply, so the next call receives that reply."""

    def health_after(self, error: Exception) -> Health:
        timed_out = isinstance(error, (TimeoutError, asyncio.TimeoutError))
        return Health.FINE if timed_out else Health.OUTDATED


class KeepsWhatWasCancelled(TcpBackend):
    """Reuses the connection of a cancelled call."""

    reuses_cancelled = True


class SendsAgainAsNew(TcpBackend):
    """Gives each attempt another id, so the server executes the request again."""

    def attempt(self, request: Request) -> Plan[Client, Any]:
        return super().attempt(request._replace(id=secrets.token_hex(8)))


class StaysWithTheOldServer(TcpBackend):
    """Treats a refusal to write like any other answer."""

    def health_after(self, error: Exception) -> Health:
        return Health.FINE if isinstance(error, ReadOnlyError) else Health.OUTDATED

    def leaves_read_only(self) -> bool:
        return False


class GivesUpForGood(TcpBackend):
    """Never connects again after the server was unreachable."""

    _is_away = False

    def health_after(self, error: Exception) -> Health:
        self._is_away = True
        return Health.OUTDATED

    def attempt(self, request: Request) -> Plan[Client, Any]:
        if self._is_away:
            raise ConnectionRefusedError
        return (yield from super().attempt(request))


class WaitsTooLong(TcpBackend):
    """Repeats a request after each timeout, on other dead connections."""

    def health_after(self, error: Exception) -> Health:
        return Health.BROKEN

    def request(self, name: str, *args: Any) -> Plan[Client, Any]:
        for _ in range(ATTEMPTS - 1):
            try:
                return (yield from super().request(name, *args))
            except OSError:
                continue
        return (yield from super().request(name, *args))


class LeavesConnectionsOpen(TcpBackend):
    """Forgets the pool when it is closed."""

    def close(self) -> None:
        pass

    async def async_close(self) -> None:
        pass


class LetsDriverErrorsEscape(ChatStore):
    """Raises the standard library's errors."""

    def run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        return self.backend.run(build(self.backend, *args, **kwargs))

    async def async_run(self, operation: str, build: Any, *args: Any, **kwargs: Any) -> Any:
        return await self.backend.async_run(build(self.backend, *args, **kwargs))


class CallsItDamaged(TcpBackend):
    """Reports a lost connection as a damaged database."""

    def translate(self, error: Exception) -> ChatStoreError | None:
        return CorruptStoreError("the reply is not an answer")


class BlocksTheLoop(TcpBackend):
    """Makes the sync call in async methods."""

    async def async_run(self, plan: Plan[Client, T]) -> T:
        return self.run(plan)


class DropsFailedAppends(TcpBackend):
    """Returns from an append as if it had been stored, although the connection was lost."""

    def append(self, key: str, write: Append) -> Plan[Client, list[Existing]]:
        request = Request(secrets.token_hex(8), "append", (key, write))
        try:
            existing: list[Existing] = yield from self.attempt(request)
        except OSError:
            return []
        return existing


class BrokenStore(NamedTuple):
    """A store that heals wrongly, and a test that must reject it.

    Attributes:
        kind: The class of the backend, or of the store.
        test: The test, with its parameters.
        reason: A part of the failure's message.

    """

    kind: type[TcpBackend | ChatStore]
    test: str
    reason: str


RESET = "test_calls_after_idle_connections_were_reset"
FORGOTTEN = "test_calls_after_idle_connections_were_forgotten"
BURST = "test_burst_after_idle_connections_were_forgotten"
BROKEN = [
    BrokenStore(NoticesOneAtATime, f"{FORGOTTEN}[sync]", "failed after"),
    BrokenStore(NoticesOneAtATime, f"{FORGOTTEN}[async]", "failed after"),
    BrokenStore(NoticesOneAtATime, f"{BURST}[async]", "timeout"),
    BrokenStore(WaitsTooLong, f"{BURST}[sync]", "than one timeout"),
    BrokenStore(KeepsDeadConnections, f"{RESET}[sync]", "failed after"),
    BrokenStore(
        KeepsDeadConnections, "test_connections_lost_again_and_again[async]", "failed after"
    ),
    BrokenStore(KeepsDeadConnections, "test_restart[sync]", "failed after"),
    BrokenStore(KeepsDeadConnections, "test_burst_after_a_restart[mixed]", "assert"),
    BrokenStore(KeepsWhatTimedOut, "test_late_replies_reach_nobody[async]", "assert"),
    BrokenStore(KeepsWhatWasCancelled, "test_cancelled_calls_leave_no_reply_behind", "assert"),
    BrokenStore(SendsAgainAsNew, "test_lost_reply[sync-delete-last]", "assert"),
    BrokenStore(SendsAgainAsNew, "test_lost_reply[async-delete-first]", "assert"),
    BrokenStore(
        SendsAgainAsNew, "test_call_repeated_after_many_others[append]", "took effect again"
    ),
    BrokenStore(
        SendsAgainAsNew,
        "test_call_repeated_after_many_others[delete-first]",
        "assert 'b' == 'a'",
    ),
    BrokenStore(SendsAgainAsNew, "test_call_repeated_after_many_others[set]", "took effect again"),
    *(
        BrokenStore(
            SendsAgainAsNew, f"test_call_repeated_after_many_others[{name}]", "took effect again"
        )
        for name in ("put-new", "put", "truncate")
    ),
    BrokenStore(
        SendsAgainAsNew,
        "test_call_repeated_after_many_others[remove-by-id]",
        "assert 'changed' == 'b'",
    ),
    BrokenStore(
        SendsAgainAsNew, "test_conversation_call_repeated_after_many_others[create]", "fault"
    ),
    BrokenStore(
        SendsAgainAsNew, "test_conversation_call_repeated_after_many_others[update]", "again"
    ),
    BrokenStore(
        SendsAgainAsNew, "test_conversation_call_repeated_after_many_others[fork]", "fault"
    ),
    BrokenStore(SendsAgainAsNew, "test_lost_replies_of_writes_with_owners[sync-create]", "fault"),
    BrokenStore(SendsAgainAsNew, "test_lost_reply[sync-truncate]", "fault"),
    BrokenStore(StaysWithTheOldServer, "test_failover_behind_one_address[sync]", "assert"),
    BrokenStore(StaysWithTheOldServer, "test_failover_behind_one_address[async]", "assert"),
    BrokenStore(GivesUpForGood, "test_server_that_is_away_for_a_while[sync]", "failed after"),
    BrokenStore(
        LeavesConnectionsOpen, "test_closing_closes_connections[sync]", "open after closing"
    ),
    BrokenStore(
        LeavesConnectionsOpen, "test_closing_closes_connections[async]", "open after closing"
    ),
    BrokenStore(LetsDriverErrorsEscape, "test_server_that_is_away_for_a_while[sync]", "Connection"),
    BrokenStore(
        LetsDriverErrorsEscape,
        "test_server_that_accepts_and_ends_connections[async]",
        "Connection",
    ),
    BrokenStore(CallsItDamaged, "test_server_that_is_away_for_a_while[async]", "CorruptStoreError"),
    BrokenStore(BlocksTheLoop, "test_async_calls_do_not_block_the_event_loop", "blocks"),
    BrokenStore(DropsFailedAppends, f"{RESET}[sync]", "not stored"),
]
