"""Blocking calls of a file system of fsspec, whose errors are translated."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from chatstore.core.errors import ChatStoreError, StoreSetupError
from chatstore.media.failures import translate

_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")  # of file systems


class StoredObject(NamedTuple):
    """What a file system knows about an object: its size, and when it was written, since 1970."""

    size: int
    modified: float


class Objects:
    """The objects in a folder of a file system, by path below the folder."""

    def __init__(self, url: str, options: Mapping[str, Any], label: str) -> None:
        """Open the file system.

        Args:
            url: The folder.
            options: Of the file system.
            label: The folder's name in errors.

        Raises:
            StoreSetupError: The file system's package is not installed, or refuses the options.

        """
        self._label = label
        try:
            # Listings must be current, and this file system is not shared with other users.
            fixed = {"use_listings_cache": False, "skip_instance_cache": True}
            self._files, self._root = _open(url, {**options, **fixed})
        except (ImportError, ValueError, TypeError) as error:
            raise StoreSetupError(
                f"{label}: the file system cannot be opened ({type(error).__name__}); install its "
                "package, such as chatstore-media[s3] or chatstore-media[azure], and check "
                "storage_options"
            ) from error

    def read(self, path: str) -> bytes | None:
        """Return an object's bytes; ``None``: it does not exist."""
        with self._translated():
            try:
                data: Any = self._files.cat_file(self._full(path))
            except FileNotFoundError:
                return None
            return bytes(data)

    def find(self, path: str) -> StoredObject | None:
        """Return what is known about an object; ``None``: it does not exist."""
        with self._translated():
            try:
                return _stored(self._files.info(self._full(path)))
            except FileNotFoundError:
                return None

    def write(self, path: str, data: bytes) -> None:
        """Write an object as a whole, so that no reader sees a part of it."""
        with self._translated():
            if isinstance(self._files, LocalFileSystem):
                _write_file(Path(self._root), Path(self._full(path)), data)
            else:
                self._files.pipe_file(self._full(path), data)

    def delete(self, path: str) -> None:
        """Delete an object, if it exists."""
        with self._translated():
            try:
                self._files.rm_file(self._full(path))
            except FileNotFoundError:
                return

    def list_all(self, folder: str) -> dict[str, StoredObject]:
        """Return the objects below a folder, by the last part of their paths."""
        with self._translated():
            try:
                infos: Any = self._files.find(self._full(folder), detail=True)
            except FileNotFoundError:
                return {}
            return {path.rpartition("/")[2]: _stored(info) for path, info in infos.items()}

    def address(self, path: str) -> str:
        """Return an object's URL for fsspec."""
        address: str = self._files.unstrip_protocol(self._full(path))
        return address

    def sign(self, path: str, seconds: int) -> str:
        """Return a URL that anyone can read an object with.

        Raises:
            StoreSetupError: The file system cannot sign URLs.

        """
        with self._translated():
            try:
                url: str = self._files.sign(self._full(path), expiration=seconds)
            except NotImplementedError as error:
                raise StoreSetupError(
                    f"{self._label}: this file system cannot sign URLs; read references instead"
                ) from error
            return url

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ChatStoreError:
            raise
        except Exception as error:
            raise translate(error, self._label) from error


def _open(url: str, options: Mapping[str, Any]) -> tuple[AbstractFileSystem, str]:
    files, root = url_to_fs(url, **options)
    return files, root.rstrip("/")


def _stored(info: Mapping[str, Any]) -> StoredObject:
    time = next((info[name] for name in _TIMES if info.get(name) is not None), 0.0)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    modified = time.timestamp() if isinstance(time, datetime) else float(time)
    return StoredObject(info.get("size") or 0, modified)


def _write_file(root: Path, path: Path, data: bytes) -> None:
    """Write a file that is either complete or missing, also after a loss of power."""
    draft = root / "incoming" / secrets.token_hex(16)
    for folder in (draft.parent, path.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
