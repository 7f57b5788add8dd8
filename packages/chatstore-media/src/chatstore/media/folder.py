"""``MediaFolder``: where media objects are, and under which names.

- ``objects/12/1234…``: content, by the first digits of its SHA-256 digest and the whole digest;
- ``condemned/1234…``: an object that a collection may delete later, see `collecting`;
- ``clock``: written by collections, to learn the time of the file system;
- ``incoming/…``: files that are not complete yet, where the folder is on a disk.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from fsspec import available_protocols
from fsspec.core import split_protocol

from chatstore.core.backend import (
    ForkAware,
    check_max_connections,
    check_timeout,
    keep_inherited,
    watch,
)
from chatstore.core.copying import Copyable
from chatstore.core.errors import ChatStoreError, InvalidArgumentError
from chatstore.media.envelopes import Reference
from chatstore.media.errors import DamagedMediaError, MediaError, MissingMediaError
from chatstore.media.objects import Objects
from chatstore.media.payloads import Payload
from chatstore.media.transfers import TransferThreads

Convert = Callable[[bytes], bytes]

DAY = 86_400.0


class MediaFolder(Copyable, ForkAware):
    """A folder for media: in S3, Google Cloud Storage, Azure Blob Storage, or on a disk.

    It belongs to one database: a collection deletes what that database does not refer to. Stores
    may share the object; the methods block and can be called on any thread.

    Attributes:
        label: The folder's URL without secrets.
        grace: See the constructor.
        is_sealed: Whether objects are not stored as they are.
        threads: Transfers run on them.

    """

    def __init__(
        self,
        url: str,
        *,
        storage_options: Mapping[str, Any] | None = None,
        seal: Convert | None = None,
        unseal: Convert | None = None,
        grace: float = DAY,
        max_transfers: int = 8,
        timeout: float = 60.0,
    ) -> None:
        """Take the folder; nothing is sent before the first message with media.

        Args:
            url: A URL of fsspec, such as ``"s3://bucket/media"``, ``"abfs://container/media"``,
                ``"gcs://bucket/media"``, or a path.
            storage_options: Of fsspec's file system, such as credentials.
            seal: Encrypts an object's content before it is stored.
            unseal: Returns the content that ``seal`` was given.
            grace: For how many seconds a write may be on its way from its upload to the database.
                A collection leaves younger objects alone. All programs must use the same.
            max_transfers: The most uploads and downloads at once.
            timeout: The longest time of a transfer in seconds.

        Raises:
            InvalidArgumentError: fsspec does not know such URLs, only one of ``seal`` and
                ``unseal`` is given, or a number is out of range.

        """
        protocol = split_protocol(url)[0] if isinstance(url, str) else None
        if not isinstance(url, str) or not url or (protocol or "file") not in available_protocols():
            raise InvalidArgumentError(
                "a media folder must be a path, or a URL of a file system that fsspec knows, such "
                "as s3://bucket/media"
            )
        if (seal is None) != (unseal is None):
            raise InvalidArgumentError("a media folder needs both seal and unseal, or neither")
        # A URL may contain a password before the @, and a token behind the question mark.
        place = url.partition("://")[2] if protocol else url
        self.label = f"{protocol or 'file'}://{place.rpartition('@')[2].partition('?')[0]}"
        self.grace = check_timeout(grace, "grace")
        self.is_sealed = seal is not None
        limit = check_max_connections(max_transfers, "max_transfers")
        self.threads = TransferThreads(limit, check_timeout(timeout))
        self._open = partial(Objects, url, dict(storage_options or {}), self.label)
        self._seal, self._unseal = seal or bytes, unseal or bytes
        self._objects: Objects | None = None
        self._lock = threading.Lock()
        watch(self)

    @property
    def objects(self) -> Objects:
        """The file system; opened by the first call."""
        with self._lock:
            if self._objects is None:
                self._objects = self._open()
            return self._objects

    def after_fork_in_child(self) -> None:
        """Open the file system again: its connections and its thread are the parent's."""
        keep_inherited(self._objects)
        self._objects = None
        self._lock = threading.Lock()

    def check(self, *, writes: bool) -> None:
        """Prove that objects can be read and, if ``writes``, written; leave nothing behind."""
        path = f"checks/{secrets.token_hex(8)}"
        if writes:
            self.objects.write(path, b"-")
        self.objects.read(path)
        if writes:
            self.objects.delete(path)

    def close(self) -> None:
        """End the threads."""
        self.threads.close()

    # ------------------------------------------------------------------ writers

    def upload(self, payload: Payload) -> str:
        """Store content if no object has it, and return the name to refer to it.

        An object that is condemned gets no new references: the content is stored once more.
        """
        name = payload.digest
        # In this order: an object that is gone by now was condemned before.
        if self.objects.find(condemned_path(name)) is not None:
            name = f"{name}-{secrets.token_hex(8)}"
        elif self._is_stored(name, len(payload.content)):
            return name
        self.restore(name, payload)
        return name

    def rescue(self, name: str, payload: Payload) -> None:
        """Store an object again that a collection may have deleted or condemned."""
        self.objects.delete(condemned_path(name))
        self.restore(name, payload)

    def restore(self, name: str, payload: Payload) -> None:
        """Write an object."""
        sealed = self._converted(self._seal, payload.content, name)
        self.objects.write(object_path(name), sealed)

    def _is_stored(self, name: str, size: int) -> bool:
        stored = self.objects.find(object_path(name))
        return stored is not None and (self.is_sealed or stored.size == size)

    # ------------------------------------------------------------------ readers

    def download(self, reference: Reference) -> bytes:
        """Return the content of an object.

        Raises:
            MissingMediaError: It does not exist.
            DamagedMediaError: It does not have the digest, or cannot be unsealed.

        """
        name = reference.name
        data = self.objects.read(object_path(name))
        if data is None:
            raise MissingMediaError(
                f"the media object {name} is missing in {self.label}: restore it from a backup; "
                "delete_message(key, idx, force=True) removes the message",
                name,
            )
        content = self._converted(self._unseal, data, name)
        if sha256(content).hexdigest() != reference.digest:
            raise DamagedMediaError(
                f"the media object {name} in {self.label} was changed: its content has another "
                "digest; restore it from a backup",
                name,
            )
        return content

    def address(self, reference: Reference) -> str:
        """Return an object's URL for fsspec."""
        return self.objects.address(object_path(reference.name))

    def sign(self, reference: Reference, seconds: int) -> str:
        """Return a URL that anyone can read an object with, for some seconds."""
        return self.objects.sign(object_path(reference.name), seconds)

    def _converted(self, convert: Convert, data: bytes, name: str) -> bytes:
        try:
            return convert(data)
        except ChatStoreError:
            raise
        except Exception as error:
            kind = DamagedMediaError if convert is self._unseal else MediaError
            raise kind(
                f"the media object {name} in {self.label} cannot be sealed or unsealed "
                f"({type(error).__name__}); check the key of seal and unseal",
                name,
            ) from error


def object_path(name: str) -> str:
    """Return the path of an object."""
    return f"objects/{name[:2]}/{name}"


def condemned_path(name: str) -> str:
    """Return the path of the mark that an object is condemned."""
    return f"condemned/{name}"
