"""A relay in front of a server that simulates faults of a network, for tests on one machine."""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import TypeVar

from typing_extensions import Self

from chatstore.core.backend import ForkAware, watch
from chatstore.core.testing.relay_link import Traffic
from chatstore.core.testing.relay_loop import HOST, RelayLoop, Target

__all__ = ["Relay", "Traffic"]

T = TypeVar("T")
_PATIENCE = 60.0  # seconds until a relay that does not answer fails the test; it needs milliseconds


class Relay(ForkAware):
    """Listens on a free port of 127.0.0.1 and passes all bytes on to a server.

    One thread serves all connections. TLS works, since no byte is changed. Methods may be called
    from any thread or event loop. Each returns when its fault is in effect, and takes into account
    all connections that clients opened or closed before. A forked child cannot use its parent's
    relay. After `close`, every method but `close` raises `RuntimeError`.

    Attributes:
        host: Always ``"127.0.0.1"``.
        port: Where clients connect.

    """

    def __init__(self, target: int | str | os.PathLike[str]) -> None:
        """Start to listen.

        Args:
            target: The server's port on this machine, or the path of its Unix socket. Nothing
                needs to listen there until a client connects.

        Raises:
            TypeError: ``target`` is neither a port nor a path.
            OSError: No port is free.

        """
        address = _target(target)
        self.host = HOST
        self._reserved, listener = _listen()
        self.port: int = listener.getsockname()[1]
        self._loop = RelayLoop(listener, address)
        self._commands: queue.SimpleQueue[tuple[Callable[[], object], Future[object]]] = (
            queue.SimpleQueue()
        )
        self._guard = threading.Lock()
        self._reason_stopped: str | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._serve, name=f"relay on port {self.port}", daemon=True
        )
        self._thread.start()
        watch(self)

    # ------------------------------------------------------------------ faults

    def cut(self) -> None:
        """Reset all open connections, on both sides."""
        self._call(self._loop.cut)

    def forget(self) -> None:
        """Stop passing bytes on all open connections without closing them, as a firewall does.

        Neither side notices: no byte, no end and no reset passes. New connections work. The
        kernel still acknowledges on both sides, so TCP keepalive does not notice either.
        """
        self._call(self._loop.forget)

    def swap(self, target: int | str | os.PathLike[str]) -> None:
        """Connect new clients to another server; open connections keep their server.

        Raises:
            TypeError: ``target`` is neither a port nor a path.

        """
        address = _target(target)
        self._call(lambda: self._loop.swap(address))

    def delay(self, seconds: float) -> None:
        """Delay each chunk of bytes in both directions; a round trip takes twice as long.

        Args:
            seconds: The delay; 0 ends it and passes delayed chunks on at once.

        Raises:
            ValueError: ``seconds`` is negative or not a number.

        """
        if not seconds >= 0:
            raise ValueError(f"seconds must be 0 or more, not {seconds!r}")
        self._call(lambda: self._loop.set_delay(seconds))

    def refuse(self) -> None:
        """Refuse new connections, as if nothing listened; open connections keep working."""
        self._call(self._loop.refuse)

    def restore(self) -> None:
        """Accept new connections again after `refuse`, on the same port.

        Raises:
            OSError: Another program has taken the port in the meantime.

        """
        self._call(self._restore)

    def _restore(self) -> None:
        if self._loop.is_refusing:
            self._loop.accept_on(_listen_again(self.port))

    def lose_replies(self, count: int, *, containing: bytes = b"", skip: int = 0) -> None:
        """Lose the replies to the next requests.

        A request is all bytes that a client sends on one connection until the server sends
        something. The server receives the whole request; at the reply's first byte the connection
        is reset, and the client receives nothing. Handshakes and logins are requests, too: use
        ``containing`` to select requests.

        Args:
            count: The number of replies to lose, instead of what is left of an earlier call's
                number; 0 ends it.
            containing: Only requests that contain these bytes count.
            skip: The number of requests that are answered before each lost reply: 9 loses every
                tenth one.

        Raises:
            ValueError: ``count`` or ``skip`` is negative.

        """
        for name, value in (("count", count), ("skip", skip)):
            if value < 0:
                raise ValueError(f"{name} must be 0 or more, not {value!r}")
        self._call(lambda: self._loop.lose_replies(count, containing, skip))

    # ------------------------------------------------------------------ observations

    @property
    def connections(self) -> int:
        """The number of connections that clients have open, including forgotten ones."""
        return self._call(self._loop.count_connections)

    @property
    def accepted(self) -> int:
        """The number of connections that the relay has accepted since its start."""
        return self._call(lambda: self._loop.accepted)

    @property
    def lost_replies(self) -> int:
        """The number of replies that were lost because of `lose_replies`."""
        return self._call(lambda: self._loop.lost_replies)

    @property
    def traffic(self) -> Traffic:
        """The requests and bytes that the relay has passed on since its start."""
        return self._call(lambda: self._loop.traffic)

    @property
    def failures(self) -> list[str]:
        """Why connections to the server failed, oldest first; each also reset its client."""
        return self._call(lambda: list(self._loop.failures))

    # ------------------------------------------------------------------ lifecycle

    def close(self) -> None:
        """Close the port and all connections, and end the thread.

        Raises:
            RuntimeError: The relay failed earlier; the cause says why.

        """
        if self._reason_stopped is None:
            self._call(self._loop.stop)
        self._thread.join(_PATIENCE)
        if self._reserved is not None:
            self._reserved.close()
        if self._error is not None:
            raise RuntimeError(self._reason_stopped) from self._error

    def __enter__(self) -> Self:
        """Return the relay; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the relay."""
        self.close()

    def after_fork_in_child(self) -> None:
        """Close the child's copies; the connections belong to the parent."""
        self._reason_stopped = "this relay serves the parent process; use it there"
        self._guard = threading.Lock()
        self._loop.abandon()
        if self._reserved is not None:
            self._reserved.close()

    # ------------------------------------------------------------------ the thread

    def _call(self, action: Callable[[], T]) -> T:
        """Run a function on the relay's thread."""
        future: Future[T] = Future()
        with self._guard:
            if self._reason_stopped is not None:
                raise RuntimeError(self._reason_stopped) from self._error
            self._commands.put((action, future))  # type: ignore[arg-type]  # futures are invariant
        self._loop.wake()
        try:
            return future.result(_PATIENCE)
        except FutureTimeoutError:
            raise RuntimeError(
                f"the relay on port {self.port} did not answer within {_PATIENCE:g} s"
            ) from None

    def _serve(self) -> None:
        reason = f"the relay on port {self.port} was closed"
        try:
            while not self._loop.is_stopped:
                self._loop.run_once()
                self._run_commands()
        except Exception as error:
            reason = f"the relay on port {self.port} failed: {type(error).__name__}: {error}"
            self._error = error
        finally:
            with self._guard:
                self._reason_stopped = reason
            self._loop.close()
            while not self._commands.empty():
                self._commands.get()[1].set_exception(RuntimeError(reason))

    def _run_commands(self) -> None:
        while not self._commands.empty():
            action, future = self._commands.get()
            try:
                # Handle what clients did before the command first.
                self._loop.run_once(0)
                self._loop.run_once(0)
                result = action()
            except OSError as error:  # `restore` could not listen; the relay keeps running
                future.set_exception(error)
            except Exception as error:
                future.set_exception(error)
                raise
            else:
                future.set_result(result)


def _target(target: int | str | os.PathLike[str]) -> Target:
    if isinstance(target, bool) or not isinstance(target, (int, str, os.PathLike)):
        raise TypeError(f"target must be a port or the path of a Unix socket, not {target!r}")
    if isinstance(target, int):
        return Target(socket.AF_INET, (HOST, target), f"port {target}")
    path = os.fspath(target)
    return Target(socket.AF_UNIX, path, f"the socket {path}")


def _listen() -> tuple[socket.socket | None, socket.socket]:
    """Return a socket that reserves a free port, or ``None``, and a socket that listens on it.

    Linux does not assign a reserved port to others while `Relay.refuse` is in effect.
    """
    if sys.platform != "linux":
        return None, _listen_again(0)
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((HOST, 0))
    return reserved, _listen_again(reserved.getsockname()[1])


def _listen_again(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(512)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
