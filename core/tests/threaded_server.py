"""``ThreadedServer``: listens on a free port and serves each connection on a thread."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod

from typing_extensions import Self


class ThreadedServer(ABC):
    """Accepts connections until its block ends.

    Attributes:
        port: The port; 0 for a socket without one.

    """

    def __init__(self, listener: socket.socket | None = None) -> None:
        self._listener = listener or socket.create_server(("127.0.0.1", 0), backlog=100)
        address = self._listener.getsockname()
        self.port: int = address[1] if isinstance(address, tuple) else 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # closing alone would not end `accept`, which would go on with the number of the socket
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    @abstractmethod
    def serve(self, client: socket.socket) -> None:
        """Serve a connection until it ends."""
