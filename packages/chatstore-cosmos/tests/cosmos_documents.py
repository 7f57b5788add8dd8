"""The documents of a container: versions, etags, time to live, limits, lagging replicas."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from cosmos_ranges import Range
from cosmos_rejections import RejectedError

# https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
MAX_ITEM_BYTES = 2 * 1024 * 1024
MAX_ID_BYTES = 1023
MAX_PARTITION_KEY_BYTES = 2048
# https://learn.microsoft.com/dotnet/api/microsoft.azure.documents.resource.id
FORBIDDEN_IN_ID = "/\\?#"

Document = dict[str, Any]
_SYSTEM = ("_rid", "_self", "_etag", "_attachments", "_ts")


class Version(NamedTuple):
    """A version of a document; ``None``: the document was deleted."""

    lsn: int
    document: Document | None
    size: int


class Documents:
    """The documents of one container, by partition key and id.

    Each write gets the next log sequence number. A reader may see the state at an earlier number,
    as with a replica that lags, so enough old versions are kept.

    Attributes:
        rid: The container's resource id.
        policy: Its indexing policy.
        ranges: Which partitions are in which physical partition.

    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        ranges: Sequence[Range],
        clock: Callable[[], float],
    ) -> None:
        self.rid = properties["_rid"]
        self.policy = properties["indexingPolicy"]
        self.ranges = ranges
        self.default_ttl = properties.get("defaultTtl")
        self.lag = 0
        self.lsn = 1
        [path] = properties["partitionKey"]["paths"]
        self._names = path.strip("/").split("/")
        self._clock = clock
        self._partitions: dict[str, dict[str, list[Version]]] = {}
        self._made = 0
        self._undo: list[tuple[list[Version], list[Version]]] | None = None

    # ------------------------------------------------------------------ reading

    def find(self, key: str, item_id: str, lsn: int | None = None) -> Version | None:
        """Return a document's version at a sequence number, unless it is deleted or expired."""
        versions = self._partitions.get(key, {}).get(item_id, ())
        for version in reversed(versions):
            if lsn is None or version.lsn <= lsn:
                alive = version.document is not None and not self._has_expired(version.document)
                return version if alive else None
        return None

    def scan(
        self, key: str | None, lsn: int | None = None, range_id: str | None = None
    ) -> Iterator[Version]:
        """Iterate over the documents of one partition, of a range of them, or of all."""
        names = list(self._partitions) if key is None else [key]
        if range_id is not None:
            [inside] = [one for one in self.ranges if one.id == range_id]
            names = [name for name in names if inside.contains(name)]
        for name in names:
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
        """Make the writes of a block atomic: with one number, and undone if it fails."""
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
            raise RejectedError(409, "Resource with specified id or name already exists.")
        return self._write(key, document)

    def upsert(self, key: str, body: Any, conditions: Mapping[str, str]) -> tuple[Version, bool]:
        """Create or replace a document; return also whether it is new."""
        document = self._checked(key, body)
        existing = self.find(key, document["id"])
        if existing is not None:
            check_conditions(existing, conditions)
        return self._write(key, document), existing is None

    def replace(self, key: str, item_id: str, body: Any, conditions: Mapping[str, str]) -> Version:
        """Replace a document."""
        existing = self.need(key, item_id)
        check_conditions(existing, conditions)
        document = self._checked(key, body)
        if document["id"] != item_id:
            raise RejectedError(400, "The id of a document cannot be changed.")
        return self._write(key, document)

    def delete(self, key: str, item_id: str, conditions: Mapping[str, str]) -> Version:
        """Delete a document and return it."""
        existing = self.need(key, item_id)
        check_conditions(existing, conditions)
        self._add(key, item_id, Version(self._next_lsn(), None, 0))
        return existing

    def need(self, key: str, item_id: str, lsn: int | None = None) -> Version:
        """Return a document, or reject with 404."""
        existing = self.find(key, item_id, lsn)
        if existing is None:
            raise RejectedError(404, "Entity with the specified id does not exist in the system.")
        return existing

    def _checked(self, key: str, body: Any) -> Document:
        if not isinstance(body, dict):
            raise RejectedError(400, "A document must be a JSON object.")
        item_id = body.get("id")
        if not isinstance(item_id, str) or not item_id:
            raise RejectedError(400, "The input content is invalid because 'id' is missing.")
        if len(item_id.encode()) > MAX_ID_BYTES or set(item_id) & set(FORBIDDEN_IN_ID):
            raise RejectedError(400, "The input name is invalid: its length or a character in it.")
        value = self._key_in(body)
        if json.dumps([value]) != key:
            text = "The partition key of the header is not that of the document."
            raise RejectedError(400, text, substatus=1001)
        if isinstance(value, str) and len(value.encode()) > MAX_PARTITION_KEY_BYTES:
            raise RejectedError(400, "The partition key is too long.")
        ttl = body.get("ttl", -1)
        if isinstance(ttl, bool) or not isinstance(ttl, int) or (ttl != -1 and ttl < 1):
            raise RejectedError(400, "ttl must be a positive integer, or -1.")
        return {name: value for name, value in body.items() if name not in _SYSTEM}

    def _key_in(self, body: Any) -> Any:
        for name in self._names:
            body = body.get(name) if isinstance(body, dict) else None
        return body

    def _write(self, key: str, document: Document) -> Version:
        size = len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
        if size > MAX_ITEM_BYTES:
            raise RejectedError(413, "Request size is too large.")
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
        oldest = version.lsn - self.lag  # the oldest number that a lagging replica may show
        while len(versions) > 1 and versions[1].lsn <= oldest:
            del versions[0]
        versions.append(version)


def check_conditions(version: Version, conditions: Mapping[str, str]) -> None:
    """Reject with 412 if ``If-Match`` does not match or ``If-None-Match`` does."""
    etag = version.document["_etag"] if version.document else ""
    match, none_match = conditions.get("if-match"), conditions.get("if-none-match")
    if match not in (None, "*", etag) or (none_match is not None and none_match in ("*", etag)):
        raise RejectedError(412, "One of the specified pre-condition is not met.")
