"""``SQLiteSettings``: the options of a store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatstore.core import InvalidArgumentError
from chatstore.core.backend import (
    check_flag,
    check_max_connections,
    check_timeout,
    check_ttl,
    passed_options,
)


@dataclass(frozen=True)
class SQLiteSettings:
    """How a store uses its file; see `chatstore.sqlite.SQLiteChatStore`.

    Attributes:
        path: The file's absolute path.
        ttl: Seconds after its last write until a conversation expires; ``None``: it stays.
        timeout: Seconds to wait for other writers, and for a free connection.
        max_connections: The most connections that are open at once.
        create: Whether the first call creates a missing file and missing tables.
        durable: Whether a commit waits until the disk has it.
        clock: Returns the time in seconds since 1970.

    """

    path: str
    ttl: float | None = None
    timeout: float = 30.0
    max_connections: int = 16
    create: bool = True
    durable: bool = True
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InvalidArgumentError: A value has the wrong type or is out of range.

        """
        check_ttl(self.ttl)
        check_timeout(self.timeout)
        check_max_connections(self.max_connections)
        check_flag(self.create, "create")
        check_flag(self.durable, "durable")


def read_settings(path: object, **arguments: Any) -> SQLiteSettings:
    """Return the settings from a store's path and arguments.

    Args:
        path: The file.
        arguments: Fields of `SQLiteSettings`; ``None`` selects the field's default.

    Raises:
        InvalidArgumentError: The path is empty or ``:memory:``, or an argument is not valid.

    """
    if not isinstance(path, (str, os.PathLike)) or str(path) in {"", ":memory:"}:
        raise InvalidArgumentError(
            "SQLiteChatStore needs the path of a file; SimpleChatStore() keeps conversations in "
            "memory"
        )
    return SQLiteSettings(str(Path(path).absolute()), **passed_options(**arguments))
