"""Serving the viewer on loopback, until the process is interrupted."""

from __future__ import annotations

import os
import socket

import uvicorn

from chatstore.cli.viewer.app import create_app
from chatstore.cli.viewer.security import new_token
from chatstore.core import ChatStore

HOST = "127.0.0.1"


class Listener:
    """A port of loopback and a token: where the viewer will be."""

    def __init__(self, port: int = 0) -> None:
        """Bind a port; 0: any free one.

        Raises:
            OSError: The port is taken.

        """
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if os.name == "posix":  # on Windows, another program could take the port
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((HOST, port))
            self.socket.listen()  # who reads the address may connect at once
        except BaseException:
            self.socket.close()
            raise
        self.port = int(self.socket.getsockname()[1])
        self.token = new_token()

    @property
    def url(self) -> str:
        """The page's address; its fragment is the token, which browsers never send."""
        return f"http://{HOST}:{self.port}/#{self.token}"


def create_server(
    store: ChatStore,
    listener: Listener,
    *,
    name: str = "conversations",
    owner: str | None = None,
    write: bool = False,
) -> uvicorn.Server:
    """Return a server of the viewer; see `create_app` for the arguments."""
    app = create_app(
        store, port=listener.port, token=listener.token, name=name, owner=owner, write=write
    )
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,  # a download that goes on does not keep the process
        ws="none",
    )
    return uvicorn.Server(config)
