"""``collect``: delete the objects that no message refers to, beside writers.

Between an upload and the message that refers to the object, nothing refers to it; and while a
collection reads the conversations, forks copy references from those that it has not read into
those that it has. So an object is deleted in two collections:

1. The first one condemns it: it writes a mark. Writers give condemned objects no new references,
   they store the content once more. Objects younger than the grace are not condemned.
2. A later one, when the mark is older than the grace, reads all conversations again. Writers that
   had decided to use the object before the mark have written their messages by then, and from then
   on references to the object can only disappear. So one that exists at the end is seen. An object
   with a reference loses its mark; an object without one is deleted, and then its mark.

All times are those of the file system's clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from functools import partial
from typing import Any, NamedTuple

from pydantic_core import from_json

from chatstore.core import ChatStore, InvalidArgumentError
from chatstore.core.backend import Backend, Oldest, Plan
from chatstore.core.errors import CorruptMessageError, StoreUnavailableError
from chatstore.media.backend import MediaBackend
from chatstore.media.envelopes import is_envelope, is_object_name, parse, references_in
from chatstore.media.folder import MediaFolder, condemned_path, object_path
from chatstore.media.objects import StoredObject
from chatstore.media.transfers import transfer

_PAGE = 100  # messages that are read at once
_CLOCK = "clock"


class Collected(NamedTuple):
    """What a collection has done.

    Attributes:
        objects: The objects in the folder at its beginning.
        referenced: Those that a message refers to.
        condemned: Those that it has condemned: a later collection deletes them.
        spared: Those that were condemned, but have a reference.
        deleted: Those that it has deleted.

    """

    objects: int
    referenced: int
    condemned: int
    spared: int
    deleted: int


class _Listing(NamedTuple):
    now: float
    objects: dict[str, StoredObject]
    marks: dict[str, StoredObject]


def collect(store: ChatStore) -> Collected:
    """Delete condemned objects that no message refers to, and condemn others.

    Writers, readers and forks may run beside it. Run one collection at a time, and the next one
    after the folder's grace: it deletes what this one has condemned. All messages of the database
    are read, without their media.

    Args:
        store: A store over a `MediaBackend`, with all conversations that use its folder.

    Raises:
        InvalidArgumentError: The store's backend is not a `MediaBackend`.
        CorruptMessageError: A message is damaged, so its media are not known; nothing was
            deleted.

    """
    listing = store.run("collect", _list)
    used: set[str] = set()
    for key in store.iter_keys():
        used |= store.run("collect", _names_in, key)
    return store.run("collect", _sweep, listing, used)


async def async_collect(store: ChatStore) -> Collected:
    """Like `collect`, but awaitable."""
    listing = await store.async_run("collect", _list)
    used: set[str] = set()
    async for key in store.async_iter_keys():
        used |= await store.async_run("collect", _names_in, key)
    return await store.async_run("collect", _sweep, listing, used)


def _folder_of(backend: Backend[Any]) -> MediaFolder:
    return _media_backend(backend).folder


def _media_backend(backend: Backend[Any]) -> MediaBackend[Any]:
    if not isinstance(backend, MediaBackend):
        raise InvalidArgumentError(
            "collect needs a store over a MediaBackend, which must be its outermost layer"
        )
    return backend


def _list(backend: Backend[Any]) -> Plan[Any, _Listing]:
    folder = _folder_of(backend)
    [listing] = yield from transfer(folder.threads, [partial(_read_listing, folder)])
    return listing


def _read_listing(folder: MediaFolder) -> _Listing:
    folder.objects.write(_CLOCK, secrets.token_bytes(8))
    clock = folder.objects.find(_CLOCK)
    if clock is None:
        raise StoreUnavailableError(f"{folder.label}: a file that was just written is missing")
    return _Listing(clock.modified, _named(folder, "objects"), _named(folder, "condemned"))


def _named(folder: MediaFolder, path: str) -> dict[str, StoredObject]:
    """Return the files below a path that this package has written."""
    files = folder.objects.list_all(path)
    return {name: stored for name, stored in files.items() if is_object_name(name)}


def _names_in(backend: Backend[Any], key: str) -> Plan[Any, set[str]]:
    """Return the names of the objects to which a conversation refers."""
    inner = _media_backend(backend).inner
    names: set[str] = set()
    position = None
    while True:
        # Positions only grow: messages that move while it reads are still ahead.
        page = yield from inner.read_oldest(key, Oldest(_PAGE, position))
        for record in page.records:
            if not _is_readable(record.body):
                raise CorruptMessageError(
                    "a message is damaged and may have had media, so nothing is collected",
                    key=key,
                    position=record.position,
                )
            names.update(reference.name for reference in references_in(record.body))
        if len(page.records) < _PAGE:
            return names
        position = page.records[-1].position


def _is_readable(body: str) -> bool:
    if is_envelope(body):
        return parse(body) is not None
    try:
        from_json(body)
    except ValueError:
        return False
    return True


def _sweep(backend: Backend[Any], listing: _Listing, used: Collection[str]) -> Plan[Any, Collected]:
    folder = _folder_of(backend)
    limit = listing.now - folder.grace
    spared = [name for name in listing.marks if name in used]
    unused = [name for name in listing.marks if name not in used]
    doomed = [name for name in unused if listing.marks[name].modified <= limit]
    abandoned = [
        name
        for name, stored in listing.objects.items()
        if name not in used and name not in listing.marks and stored.modified <= limit
    ]
    threads, objects = folder.threads, folder.objects
    yield from transfer(threads, [partial(objects.delete, condemned_path(n)) for n in spared])
    deleted = yield from transfer(threads, [partial(_delete, folder, name) for name in doomed])
    marks = [partial(objects.write, condemned_path(name), b"-") for name in abandoned]
    yield from transfer(threads, marks)
    yield from transfer(threads, [partial(_delete_drafts, folder, limit)])
    referenced = sum(name in used for name in listing.objects)
    return Collected(len(listing.objects), referenced, len(abandoned), len(spared), sum(deleted))


def _delete(folder: MediaFolder, name: str) -> bool:
    """Delete a condemned object, then its mark, unless a writer has taken the mark away."""
    if folder.objects.find(condemned_path(name)) is None:
        return False
    folder.objects.delete(object_path(name))
    folder.objects.delete(condemned_path(name))
    return True


def _delete_drafts(folder: MediaFolder, limit: float) -> None:
    """Delete the files of programs that crashed while they wrote them."""
    for name, stored in folder.objects.list_all("incoming").items():
        if stored.modified <= limit:
            folder.objects.delete(f"incoming/{name}")
