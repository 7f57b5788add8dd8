"""``SQLiteChatStore``: conversations in one file, for any number of processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from typing_extensions import Self

from chatstore.core import ChatStore
from chatstore.core.backend import Options, flag, read_path_url
from chatstore.sqlite.backend import SQLiteBackend
from chatstore.sqlite.settings import read_settings

_URL_OPTIONS: Options = {
    "ttl": float,
    "timeout": float,
    "max_connections": int,
    "create": flag,
    "durable": flag,
}


class SQLiteChatStore(ChatStore):
    """Keeps conversations in an SQLite file.

    Every call is one transaction, and durable when it returns. Threads and processes share the
    file. It may have other tables, which are not changed. Async methods run on the store's threads.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        ttl: float | None = None,
        timeout: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        durable: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Name the file; it is not opened before the first call.

        Args:
            path: The file, in a folder that exists.
            ttl: Seconds after its last write until a conversation expires; by default it stays.
            timeout: Seconds to wait for other writers, and for a free connection, before
                `StoreUnavailableError`; 30 by default.
            max_connections: The most connections that the store has open, and the most threads
                that its async methods use; 16 by default.
            create: Whether the first call creates a missing file and missing tables, and updates
                tables of an earlier version; ``True`` by default. With ``False`` it raises
                `StoreSetupError` until `setup` is called.
            durable: Whether each call waits until its data is on the disk; ``True`` by default.
                With ``False``, calls still take effect as a whole and survive the end of the
                program, but a loss of power may undo the newest of them: for imports, tests and
                caches.
            clock: Returns the time in seconds since 1970; decides what has expired.

        Raises:
            InvalidArgumentError: The path is empty or ``:memory:``, or an option is not valid.

        """
        settings = read_settings(
            path,
            ttl=ttl,
            timeout=timeout,
            max_connections=max_connections,
            create=create,
            durable=durable,
            clock=clock,
        )
        super().__init__(SQLiteBackend(settings))

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        ttl: float | None = None,
        timeout: float | None = None,
        max_connections: int | None = None,
        create: bool | None = None,
        durable: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open ``sqlite:///relative.db`` or ``sqlite:////absolute.db``.

        Args:
            url: The URL. Its options are those of the constructor except ``clock``, such as
                ``?ttl=3600&durable=false``.
            ttl: As in the constructor; overrides the URL's, as the other options do.
            timeout: As in the constructor.
            max_connections: As in the constructor.
            create: As in the constructor.
            durable: As in the constructor.
            clock: As in the constructor.

        Raises:
            InvalidArgumentError: The URL has no path, or an option is unknown or not valid.

        """
        path, options = read_path_url(url, "sqlite:///relative/path", _URL_OPTIONS)
        arguments = {
            "ttl": ttl,
            "timeout": timeout,
            "max_connections": max_connections,
            "create": create,
            "durable": durable,
        }
        options.update((name, value) for name, value in arguments.items() if value is not None)
        return cls(path.removeprefix("/"), clock=clock, **options)
