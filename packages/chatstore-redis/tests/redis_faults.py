"""A proxy in front of a server that loses answers."""

from __future__ import annotations

import contextlib
import random
import socket
import threading


class LossyProxy:
    """Passes commands on, and sometimes closes the connection instead of passing an answer on.

    By then the server has run the command. The data that arrives together is lost, which here is
    one answer.
    """

    def __init__(self, port: int, rate: float, seed: int = 1) -> None:
        """Listen on a free port in front of another; lose answers at a rate from 0 to 1."""
        self.rate = rate
        self.lost = 0
        self._server_port = port
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Accept no more connections; open ones end with their clients."""
        # closing alone would not end `accept`, which would go on with the number of the socket
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                for pump in (self._send, self._answer):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _send(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(1 << 16):
                server.sendall(data)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), client, server:
            # redis-py's greeting is passed on: it is not the answer to a call.
            answers = 0
            while data := server.recv(1 << 16):
                answers += 1
                if answers > 3 and self._random.random() < self.rate:
                    self.lost += 1
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)
