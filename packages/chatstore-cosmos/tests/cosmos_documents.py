"""The documents of a container: versions, etags, time to live, limits, and what replicas show."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from cosmos_refusals import Refused

# https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
MAX_ITEM_BYTES = 2 * 1024 * 1024
MAX_ID_BYTES = 1023
MAX_PARTITION_KEY_BYTES = 2048
# https://learn.microsoft.com/dotnet/api/microsoft.azure.documents.resource.id
FORBIDDEN_IN_ID = "/\\?#"

Document = dict[str, Any]
_SYSTEM = ("_rid", "_self", "_etag", "_attachments", "_ts")


class Version(NamedTuple):
    """A state of one id; without a document it was deleted."""

    lsn: int
    document: Document | None
    size: int


class Documents:
    """Keeps the documents of one container, by partition key and id.

    Each write gets the next log sequence number. A reader may be shown an earlier number than the
    newest, as by a replica that lags; old versions are kept that far.
    """

    def __init__(self, rid: str, path: str, default_ttl: int | None, clock: Callable[[], float]):
        self.rid = rid
        self.default_ttl = default_ttl
        self.lag = 0
        self.lsn = 1
        self._names = path.strip("/").split("/")
        self._clock = clock
        self._partitions: dict[str, dict[str, list[Version]]] = {}
        self._made = 0
        self._undo: list[tuple[list[Version], list[Version]]] | None = None

    # ------------------------------------------------------------------ reading

    def find(self, key: str, item_id: str, lsn: int | None = None) -> Version | None:
        """Return the version of a living document at a sequence number."""
        versions = self._partitions.get(key, {}).get(item_id, ())
        for version in reversed(versions):
            if lsn is None or version.lsn <= lsn:
                alive = version.document is not None and not self._has_expired(version.document)
                return version if alive else None
        return None

    def scan(self, key: str | None, lsn: int | None = None) -> Iterator[Version]:
        """Iterate over the living documents of one partition, or of all."""
        for name in list(self._partitions) if key is None else [key]:
            for item_id in list(self._partitions.get(name, ())):
                version = self.find(name, item_id, lsn)
                if version is not None:
                    yield version

    def _has_expired(self, document: Document) -> bool:
        # https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live
        if self.default_ttl is None:
            return False
        ttl = document.get("ttl", self.default_ttl)
        return bool(ttl != -1 and self._clock() >= document["_ts"] + ttl)

    # ------------------------------------------------------------------ writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes of a block one: with one number, and undone where it fails."""
        self._undo = []
        self.lsn += 1
        try:
            yield
        except BaseException:
            for versions, before in reversed(self._undo):
                versions[:] = before
            raise
        finally:
            self._undo = None

    def create(self, key: str, body: Any) -> Version:
        """Create a document."""
        document = self._checked(key, body)
        if self.find(key, document["id"]) is not None:
            raise Refused(409, "Resource with specified id or name already exists.")
        return self._write(key, document)

    def upsert(self, key: str, body: Any, conditions: Mapping[str, str]) -> tuple[Version, bool]:
        """Create or replace a document; tell whether it is new."""
        document = self._checked(key, body)
        held = self.find(key, document["id"])
        if held is not None:
            check_conditions(held, conditions)
        return self._write(key, document), held is None

    def replace(self, key: str, item_id: str, body: Any, conditions: Mapping[str, str]) -> Version:
        """Replace a document."""
        held = self.need(key, item_id)
        check_conditions(held, conditions)
        document = self._checked(key, body)
        if document["id"] != item_id:
            raise Refused(400, "The id of a document cannot be changed.")
        return self._write(key, document)

    def delete(self, key: str, item_id: str, conditions: Mapping[str, str]) -> Version:
        """Delete a document; return what it was."""
        held = self.need(key, item_id)
        check_conditions(held, conditions)
        self._add(key, item_id, Version(self._next_lsn(), None, 0))
        return held

    def need(self, key: str, item_id: str, lsn: int | None = None) -> Version:
        """Return a living document, or refuse with 404."""
        held = self.find(key, item_id, lsn)
        if held is None:
            raise Refused(404, "Entity with the specified id does not exist in the system.")
        return held

    def _checked(self, key: str, body: Any) -> Document:
        if not isinstance(body, dict):
            raise Refused(400, "A document must be a JSON object.")
        item_id = body.get("id")
        if not isinstance(item_id, str) or not item_id:
            raise Refused(400, "The input content is invalid because 'id' is missing.")
        if len(item_id.encode()) > MAX_ID_BYTES or set(item_id) & set(FORBIDDEN_IN_ID):
            raise Refused(400, "The input name is invalid: its length or a character in it.")
        value = self._key_in(body)
        if json.dumps([value]) != key:
            text = "The partition key of the header is not that of the document."
            raise Refused(400, text, substatus=1001)
        if isinstance(value, str) and len(value.encode()) > MAX_PARTITION_KEY_BYTES:
            raise Refused(400, "The partition key is too long.")
        ttl = body.get("ttl", -1)
        if isinstance(ttl, bool) or not isinstance(ttl, int) or (ttl != -1 and ttl < 1):
            raise Refused(400, "ttl must be a positive integer, or -1.")
        return {name: value for name, value in body.items() if name not in _SYSTEM}

    def _key_in(self, body: Any) -> Any:
        for name in self._names:
            body = body.get(name) if isinstance(body, dict) else None
        return body

    def _write(self, key: str, document: Document) -> Version:
        size = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
        if size > MAX_ITEM_BYTES:
            raise Refused(413, "Request size is too large.")
        self._made += 1
        rid = f"{self.rid}{self._made:08x}"
        system = {
            "_rid": rid,
            "_self": f"dbs/{self.rid[:8]}/colls/{self.rid}/docs/{rid}/",
            "_etag": f'"{uuid.uuid4()}"',
            "_attachments": "attachments/",
            "_ts": int(self._clock()),
        }
        version = Version(self._next_lsn(), {**copy.deepcopy(document), **system}, size)
        self._add(key, document["id"], version)
        return version

    def _next_lsn(self) -> int:
        if self._undo is None:
            self.lsn += 1
        return self.lsn

    def _add(self, key: str, item_id: str, version: Version) -> None:
        versions = self._partitions.setdefault(key, {}).setdefault(item_id, [])
        if self._undo is not None:
            self._undo.append((versions, list(versions)))
        seen = version.lsn - self.lag  # what a lagging replica may still show
        while len(versions) > 1 and versions[1].lsn <= seen:
            del versions[0]
        versions.append(version)


def check_conditions(held: Version, conditions: Mapping[str, str]) -> None:
    """Refuse with 412 where If-Match does not match, and If-None-Match does."""
    etag = held.document["_etag"] if held.document else ""
    wanted, unwanted = conditions.get("if-match"), conditions.get("if-none-match")
    if wanted not in (None, "*", etag) or (unwanted is not None and unwanted in ("*", etag)):
        raise Refused(412, "One of the specified pre-condition is not met.")
