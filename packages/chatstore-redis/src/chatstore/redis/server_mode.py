"""``ServerMode``: checks, once, that a server is of the kind that a client is made for."""

from __future__ import annotations

from typing import Any

from chatstore.core import StoreSetupError

_ADVICE = {
    "cluster": (
        "the server is part of a cluster, and most conversations are on other nodes; open the "
        "store with cluster=True, or ?cluster=true"
    ),
    "sentinel": (
        "this is a Sentinel, which stores no data; pass client=Sentinel([…]).master_for(…) "
        "instead of its URL"
    ),
}


class ServerMode:
    """Whether a server is standalone, according to its answer to HELLO.

    A client for a single server would see only the conversations on one node of a cluster.

    Attributes:
        is_unknown: Whether the server still has to be checked.

    """

    def __init__(self, server: str) -> None:
        """Create a check of one server; ``server`` is its name in messages."""
        self._server = server
        self.is_unknown = True

    def check(self, hello: Any) -> None:
        """Check an answer to HELLO; ``None`` if the server does not know the command.

        Raises:
            StoreSetupError: The server is a node of a cluster, or a Sentinel.

        """
        advice = _ADVICE.get(_mode(hello))
        if advice is not None:
            raise StoreSetupError(f"{self._server}: {advice}")
        self.is_unknown = False


def _mode(hello: Any) -> str:
    """Return the mode in an answer: a list of names and values (RESP2), or a dictionary."""
    if isinstance(hello, list):
        hello = dict(zip(hello[::2], hello[1::2], strict=False))
    if not isinstance(hello, dict):
        return ""
    mode = hello.get(b"mode", hello.get("mode", ""))
    return mode.decode(errors="replace") if isinstance(mode, bytes) else str(mode)
