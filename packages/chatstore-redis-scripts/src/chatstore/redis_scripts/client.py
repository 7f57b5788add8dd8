"""What the plans ask of a client, whichever package it is from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from chatstore.redis_scripts.scripts import Script

Meanwhile: TypeAlias = Callable[[], object] | None
"""What a client may do while the server works."""


class ScriptClient(Protocol):
    """A client of Redis; the async one returns awaitables of the same."""

    def run(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str],
        meanwhile: Meanwhile = None,
    ) -> Any:
        """Run a script, by its hash where the server has it.

        A command whose reply was lost may be sent again: the scripts know their operations.

        Args:
            script: What to run.
            keys: Its keys.
            args: Its arguments.
            meanwhile: What the client may do while the server works. It may be called once, more
                than once, or never.

        Returns:
            A string, an integer, ``None``, or a list of these.

        """

    def scan(self, cursor: Any | None, match: str, count: int) -> Any:
        """List some keys that match a pattern, on all nodes of a cluster one after the other.

        Returns:
            The cursor of the next step, ``None`` at the end, and a list of keys. The cursor of
            the first step is ``None``.

        """
