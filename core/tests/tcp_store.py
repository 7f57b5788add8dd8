"""A store of the small server, which heals, and stores that heal wrongly."""

from __future__ import annotations

import asyncio
import pickle
import secrets
import socket
import struct
import time

from tcp_server import ReadOnlyError, framed

from chatstore.core import ChatStore, StoreUnavailableError
from chatstore.core.backend import (
    AsyncPool,
    ClientPerLoop,
    Health,
    Pool,
    PoolTimeoutError,
    async_run,
    call,
    run,
)

TRIES = 8
PAUSE = 0.05  # seconds between tries


class Connection:
    """One connection for threads."""

    def __init__(self, store):
        self.created_at = time.monotonic()
        self.store = store
        self.health = Health.FINE
        self.is_reusable = True
        self._socket = socket.create_connection(("127.0.0.1", store.port), timeout=store.timeout)
        self._stream = self._socket.makefile("rb")

    def ask(self, request):
        self.is_reusable = False
        try:
            self._socket.sendall(framed(request))
            reply = pickle.loads(self._stream.read(*struct.unpack("!I", self._stream.read(4))))
        except (OSError, EOFError, struct.error) as error:
            self.health = self.store.health_after(error)
            raise ConnectionError from error
        self.is_reusable = True
        if isinstance(reply, ReadOnlyError):
            self.health = self.store.health_after(reply)
        return reply

    def is_alive(self):
        return self.ask(("", "ping", ())) is None

    def close(self):
        self._stream.close()
        self._socket.close()


class AsyncConnection:
    """One connection for tasks."""

    @classmethod
    async def open(cls, store):
        self = cls()
        self.created_at = time.monotonic()
        self.store = store
        self.health = Health.FINE
        self.is_reusable = True
        self._reader, self._writer = await asyncio.wait_for(
            asyncio.open_connection("127.0.0.1", store.port), store.timeout
        )
        return self

    async def ask(self, request):
        self.is_reusable = False
        try:
            self._writer.write(framed(request))
            reply = await self._bounded(self._read())
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            self.health = self.store.health_after(error)
            raise ConnectionError from error
        except asyncio.CancelledError:
            self.is_reusable = self.store.reuses_cancelled
            raise
        self.is_reusable = True
        if isinstance(reply, ReadOnlyError):
            self.health = self.store.health_after(reply)
        return reply

    async def _read(self):
        size = struct.unpack("!I", await self._reader.readexactly(4))[0]
        return pickle.loads(await self._reader.readexactly(size))

    def _bounded(self, reading):
        return asyncio.wait_for(reading, self.store.timeout)

    async def is_alive(self):
        return await self.ask(("", "ping", ())) is None

    async def close(self):
        self._writer.close()


class TcpStore(ChatStore):
    """Keeps conversations on the small server, as the healing contract demands."""

    reuses_cancelled = False

    def __init__(self, port, *, timeout=5.0):
        self.port = port
        self.timeout = timeout
        self._pool = Pool(lambda: Connection(self), 32, timeout)
        self._async_pools = ClientPerLoop(self._async_pool, lambda pool: pool.close())

    def _async_pool(self):
        return AsyncPool(lambda: AsyncConnection.open(self), 32, self.timeout)

    def health_after(self, error):
        return Health.OUTDATED

    # -- drivers

    def _execute(self, plan):
        return run(plan, self)

    async def _async_execute(self, plan):
        return await async_run(plan, AsyncClient(self, await self._async_pools.get()))

    def ask(self, request):
        timeouts = 0
        for number in range(TRIES):
            try:
                with self._pool.session() as session:
                    reply = session.ask(self.identified(request))
            except OSError as error:
                timeouts += is_timeout(error)
                if number == TRIES - 1 or timeouts > 1:
                    raise
                time.sleep(PAUSE if number else 0)
            else:
                if not self.is_refusal(reply):
                    return result_of(reply)
        raise ReadOnlyError

    def is_refusal(self, reply):
        return isinstance(reply, ReadOnlyError)

    def identified(self, request):
        return request

    def _translate(self, error):
        if isinstance(error, PoolTimeoutError):
            return StoreUnavailableError("all connections are in use")
        if isinstance(error, (OSError, ReadOnlyError)):
            return StoreUnavailableError(f"{self.server}: {type(error).__name__}")
        return None

    def _close(self):
        self._pool.close()
        self._async_pools.close()

    async def _async_close(self):
        self._pool.close()
        await self._async_pools.async_close()

    # -- hooks

    def _hook(self, name, *args):
        request = (secrets.token_hex(8), name, args)
        return call(lambda client: client.ask(request))

    def _append(self, key, records):
        return self._hook("_append", key, records)

    def _insert(self, key, index, record):
        return self._hook("_insert", key, index, record)

    def _replace(self, key, records):
        return self._hook("_replace", key, records)

    def _delete(self, key):
        return self._hook("_delete", key)

    def _remove(self, key, index, *, force=False):
        return self._hook("_remove", key, index)

    def _count(self, key):
        return self._hook("_count", key)

    def _read_newest(self, key, limit, *, before=None, leading=0):
        page = yield from self._hook("_read_newest", key, limit)
        return page

    def _read_oldest(self, key, limit, *, after=None):
        return self._hook("_read_oldest", key, limit)

    def _list_keys(self, prefix, limit, cursor):
        return self._hook("_list_keys", prefix, limit, cursor)


class AsyncClient:
    """What plans of async calls are run with."""

    def __init__(self, store, pool):
        self._store = store
        self._pool = pool

    async def ask(self, request):
        timeouts = 0
        store = self._store
        for number in range(TRIES):
            try:
                async with self._pool.session() as session:
                    reply = await session.ask(store.identified(request))
            except OSError as error:
                timeouts += is_timeout(error)
                if number == TRIES - 1 or timeouts > 1:
                    raise
                await asyncio.sleep(PAUSE if number else 0)
            else:
                if not store.is_refusal(reply):
                    return result_of(reply)
        raise ReadOnlyError


def is_timeout(error):
    return isinstance(error.__cause__, (TimeoutError, asyncio.TimeoutError))


def result_of(reply):
    if isinstance(reply, Exception):
        raise reply
    return reply


# ---------------------------------------------------------------------- broken stores


class NoticesOneAtATime(TcpStore):
    """Discards the connection that failed and keeps those that were opened with it."""

    def health_after(self, error):
        return Health.BROKEN


class KeepsDeadConnections(TcpStore):
    """Puts every connection back into the pool."""

    def health_after(self, error):
        return Health.FINE

    def __init__(self, port, *, timeout=5.0):
        super().__init__(port, timeout=timeout)
        self._pool._connect = lambda: AlwaysReusable(self)

    def _async_pool(self):
        return AsyncPool(lambda: AsyncAlwaysReusable.open(self), 32, self.timeout)


class AlwaysReusable(Connection):
    is_reusable = property(lambda self: True, lambda self, value: None)


class AsyncAlwaysReusable(AsyncConnection):
    is_reusable = property(lambda self: True, lambda self, value: None)


class KeepsWhatTimedOut(KeepsDeadConnections):
    """Uses a connection again whose reply was late: the next call gets that reply."""

    def health_after(self, error):
        timed_out = isinstance(error, (TimeoutError, asyncio.TimeoutError))
        return Health.FINE if timed_out else Health.OUTDATED


class KeepsWhatWasCancelled(TcpStore):
    """Uses the connection of a cancelled call again."""

    reuses_cancelled = True


class SendsAgainAsNew(TcpStore):
    """Gives a request that is sent again another id, so that the server acts again."""

    def identified(self, request):
        return (secrets.token_hex(8), *request[1:])


class StaysWithTheOldServer(TcpStore):
    """Takes a refusal to write for an answer like any other."""

    def health_after(self, error):
        return Health.FINE if isinstance(error, ReadOnlyError) else Health.OUTDATED

    def is_refusal(self, reply):
        return False


class GivesUpForGood(TcpStore):
    """Remembers that the server was away, and never looks again."""

    _is_away = False

    def health_after(self, error):
        self._is_away = True
        return Health.OUTDATED

    def identified(self, request):
        if self._is_away:
            raise ConnectionRefusedError
        return request


class WaitsTooLong(TcpStore):
    """Sends a call again after each timeout, on other connections that are as dead."""

    def health_after(self, error):
        return Health.BROKEN

    def ask(self, request):
        for _ in range(TRIES):
            try:
                return super().ask(request)
            except OSError as error:
                last = error
        raise last


class LeavesConnectionsOpen(TcpStore):
    """Forgets the pool when it is closed."""

    def _close(self):
        pass

    async def _async_close(self):
        pass


class LetsDriverErrorsEscape(TcpStore):
    """Raises the standard library's errors."""

    def _run(self, plan, operation, key=None):
        return self._execute(plan)

    async def _async_run(self, plan, operation, key=None):
        return await self._async_execute(plan)


class CallsItDamaged(TcpStore):
    """Takes a lost connection for a damaged database."""

    def _translate(self, error):
        from chatstore.core import CorruptStoreError

        return CorruptStoreError("what came back is not an answer")


class BlocksTheLoop(TcpStore):
    """Makes the sync call in async methods."""

    async def _async_execute(self, plan):
        return self._execute(plan)


class DropsFailedAppends(TcpStore):
    """Answers an append whose connection was lost as if it had been stored."""

    def ask(self, request):
        try:
            return super().ask(request) if request[1] != "_append" else self.once(request)
        except OSError:
            if request[1] == "_append":
                return []
            raise

    def once(self, request):
        with self._pool.session() as session:
            return result_of(session.ask(request))


LOST = "test_calls_after_idle_connections_were_lost"
BURST = "test_burst_after_idle_connections_were_lost"
# Each with a test that must refuse it, in this mode, and with what the failure says.
BROKEN = [
    (NoticesOneAtATime, f"{LOST}[sync-forget]", "failed after"),
    (
        NoticesOneAtATime,
        f"{LOST}[async-forget]",
        "failed after",
    ),
    (NoticesOneAtATime, f"{BURST}[async-forget]", "timeout"),
    (WaitsTooLong, f"{BURST}[sync-forget]", "than one timeout"),
    (KeepsDeadConnections, f"{LOST}[sync-cut]", "failed after"),
    (KeepsDeadConnections, "test_connections_lost_again_and_again[async]", "failed after"),
    (KeepsDeadConnections, "test_restart[sync]", "failed after"),
    (KeepsDeadConnections, "test_burst_after_a_restart[across]", "assert"),
    (KeepsWhatTimedOut, "test_late_replies_reach_nobody[async]", "assert"),
    (KeepsWhatWasCancelled, "test_cancelled_calls_leave_no_reply_behind", "assert"),
    (SendsAgainAsNew, "test_lost_reply[sync-delete-last]", "assert"),
    (SendsAgainAsNew, "test_lost_reply[async-delete-first]", "assert"),
    (SendsAgainAsNew, "test_call_repeated_after_many_others[append]", "took effect again"),
    (SendsAgainAsNew, "test_call_repeated_after_many_others[delete-first]", "assert 'b' == 'a'"),
    (SendsAgainAsNew, "test_call_repeated_after_many_others[set]", "took effect again"),
    (StaysWithTheOldServer, "test_failover_behind_one_address[sync]", "assert"),
    (StaysWithTheOldServer, "test_failover_behind_one_address[async]", "assert"),
    (GivesUpForGood, "test_server_that_is_away_for_a_while[sync]", "failed after"),
    (LeavesConnectionsOpen, "test_closing_closes_connections[sync]", "open after closing"),
    (LeavesConnectionsOpen, "test_closing_closes_connections[async]", "open after closing"),
    (LetsDriverErrorsEscape, "test_server_that_is_away_for_a_while[sync]", "Connection"),
    (LetsDriverErrorsEscape, "test_server_that_accepts_and_ends_connections[async]", "Connection"),
    (CallsItDamaged, "test_server_that_is_away_for_a_while[async]", "CorruptStoreError"),
    (BlocksTheLoop, "test_async_calls_do_not_block_the_event_loop", "blocks"),
    (DropsFailedAppends, f"{LOST}[sync-cut]", "not stored"),
]
