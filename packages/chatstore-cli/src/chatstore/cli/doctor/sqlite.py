"""What can be examined of an SQLite file, through the store's own connection."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatstore.cli.amounts import file_size
from chatstore.cli.doctor.findings import Finding, fail, guarded, ok, warn

if TYPE_CHECKING:
    from chatstore.core import ChatStore
    from chatstore.core.backend import Backend, Plan

_LARGE = 1_000_000_000  # bytes; checking more takes minutes
_LEAST_FREE = 200_000_000  # bytes
_NETWORK_TYPES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs"}


def examine(store: ChatStore, _: str) -> Iterator[Finding]:
    """Yield findings."""
    yield from guarded("file", lambda: _findings(store))


def _findings(store: ChatStore) -> Iterator[Finding]:
    pragmas = store.run("doctor", _pragmas)
    path = Path(pragmas["file"])
    size = path.stat().st_size
    yield ok("file", f"{file_size(size)}, SQLite {sqlite3.sqlite_version}, {pragmas['encoding']}")
    if pragmas["journal_mode"] == "wal":
        yield ok("journal", "write-ahead log: readers and writers do not wait for each other")
    else:
        yield warn(
            "journal",
            f"the mode is {pragmas['journal_mode']}: readers wait for writers",
            "let a file system with shared memory hold the file, not a network share",
        )
    yield _integrity(store, size)
    yield _free_space(path)
    yield _rights(path)
    yield _file_system(path)


def _integrity(store: ChatStore, size: int) -> Finding:
    if size > _LARGE:
        return warn(
            "integrity",
            f"not examined, since the file is larger than {file_size(_LARGE)}",
            "run PRAGMA quick_check yourself",
        )
    problem = store.run("doctor", _quick_check)
    if problem == "ok":
        return ok("integrity", "the structure of the file is intact")
    return fail("integrity", "the file is damaged", "restore a backup; see PRAGMA integrity_check")


def _free_space(path: Path) -> Finding:
    free = shutil.disk_usage(path.parent).free
    if free < _LEAST_FREE:
        return warn("disk", f"{file_size(free)} free", "free space, or use another disk")
    return ok("disk", f"{file_size(free)} free")


def _rights(path: Path) -> Finding:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return warn(
            "rights",
            f"the file's mode is {mode:o}: other users of this machine may read conversations",
            f"chmod 600 {path}",
        )
    return ok("rights", "only the file's owner can read it")


def _file_system(path: Path) -> Finding:
    kind = _type_of_file_system(path)
    if kind in _NETWORK_TYPES:
        return fail(
            "file system",
            f"the file is on {kind}, where SQLite's locks do not work reliably",
            "use a local disk, or a database server",
        )
    return ok("file system", kind or "unknown")


def _type_of_file_system(path: Path) -> str:
    """Return the type of the file system of a file; empty where it is not known."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    best, kind = "", ""
    resolved = path.resolve()
    for line in mounts.read_text(errors="replace").splitlines():
        _, folder, name = line.split(" ")[:3]
        if resolved.is_relative_to(folder) and len(folder) >= len(best):
            best, kind = folder, name
    return kind


def _pragmas(_: Backend[Any]) -> Plan[Any, dict[str, str]]:
    from chatstore.core.backend import call

    return call(lambda database: database.read(_read_pragmas))


def _read_pragmas(connection: sqlite3.Connection) -> dict[str, str]:
    values = {
        name: str(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("encoding", "journal_mode")
    }
    return {**values, "file": str(connection.execute("PRAGMA database_list").fetchone()[2])}


def _quick_check(_: Backend[Any]) -> Plan[Any, str]:
    from chatstore.core.backend import call

    return call(
        lambda database: database.read(
            lambda connection: str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        )
    )
