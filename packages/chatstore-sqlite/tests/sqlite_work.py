"""Count what SQLite does: statements, and instructions of its virtual machine."""

from __future__ import annotations

from typing import Any

import pytest

from chatstore.sqlite import connections
from chatstore.sqlite.files import Connection, open_file


class Work:
    """What all stores of a test have done.

    Attributes:
        statements: The statements, with their values.
        steps: Executed instructions. Each row that a statement reads or writes takes several, so
            this number shows every scan.

    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count the work of connections that are opened from now on."""
        self.statements: list[str] = []
        self.steps = 0
        monkeypatch.setattr(connections, "open_file", self._open_file)

    def clear(self) -> None:
        """Begin again with nothing."""
        self.statements.clear()
        self.steps = 0

    def _open_file(self, *args: Any, **kwargs: Any) -> Connection:
        connection = open_file(*args, **kwargs)
        connection.set_trace_callback(self.statements.append)
        connection.set_progress_handler(self._count_step, 1)
        return connection

    def _count_step(self) -> int:
        self.steps += 1
        return 0  # continue
