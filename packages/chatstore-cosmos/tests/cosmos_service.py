"""An account: it answers requests for databases and containers."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from cosmos_documents import FORBIDDEN_IN_ID, Documents
from cosmos_index import EVERYTHING
from cosmos_items import answer_documents
from cosmos_ranges import make_ranges
from cosmos_rejections import RejectedError
from cosmos_requests import Reply, Request


class Container:
    """A container: its properties and its documents, in one or several physical partitions."""

    def __init__(
        self, body: dict[str, Any], rid: str, clock: Callable[[], float], partitions: int
    ) -> None:
        paths = body.get("partitionKey", {}).get("paths", [])
        if len(paths) != 1:
            raise RejectedError(
                400, "The double supports containers with one path of a partition key."
            )
        self.properties = {
            "indexingPolicy": EVERYTHING,
            **body,
            "_rid": rid,
            "_self": f"dbs/{rid[:8]}/colls/{rid}/",
            "_etag": f'"{uuid.uuid4()}"',
            "_ts": int(clock()),
        }
        self.documents = Documents(self.properties, make_ranges(partitions), clock)


class Service:
    """An account.

    Attributes:
        clock: Returns the service's time in seconds since 1970.
        consistency: The account's default consistency level.
        partitions: The physical partitions of each new container.
        lag: By how many writes a read without a session token may be behind.

    """

    def __init__(self, endpoint: str, clock: Callable[[], float], consistency: str) -> None:
        self.endpoint = endpoint
        self.clock = clock
        self.consistency = consistency
        self.partitions = 1
        self.databases: dict[str, dict[str, Container]] = {}
        self._lock = threading.RLock()
        self._rids = 0
        self._lag = 0

    @property
    def lag(self) -> int:
        return self._lag

    @lag.setter
    def lag(self, writes: int) -> None:
        self._lag = writes
        for database in self.databases.values():
            for container in database.values():
                container.documents.lag = writes

    def answer(self, request: Request) -> Reply:
        """Answer a request; one at a time."""
        with self._lock:
            segments = request.segments
            if not segments:
                return Reply(200, self._account(request.headers.get("host")))
            if segments[0] != "dbs":
                raise RejectedError(404, "The double does not support this path.")
            if len(segments) < 3:
                return self._answer_database(request, segments)
            if segments[1] not in self.databases:
                raise RejectedError(404, "The database does not exist.")
            database = self.databases[segments[1]]
            if len(segments) < 5:
                return self._answer_container(request, segments, database)
            container = database.get(segments[3]) or _by_rid(database, segments[3])
            if segments[4] == "pkranges":
                return _ranges(request, container)
            if segments[4] != "docs":
                raise RejectedError(404, "The double does not support this path.")
            intended = request.headers.get("x-ms-cosmos-intended-collection-rid")
            if intended and intended != container.properties["_rid"]:
                raise RejectedError(400, "Another container has the name now.", substatus=1024)
            return answer_documents(request, container.documents, self.consistency)

    # ------------------------------------------------------------------ account and containers

    def _account(self, host: str | None) -> dict[str, Any]:
        endpoint = self.endpoint
        if host:  # clients continue with this address, so a proxy sees all requests
            endpoint = urlsplit(endpoint)._replace(netloc=host).geturl()
        location = [{"name": "Here", "databaseAccountEndpoint": endpoint}]
        return {
            "_self": "",
            "id": "double",
            "_rid": "double",
            "_dbs": "//dbs/",
            "media": "//media/",
            "addresses": "//addresses/",
            "writableLocations": location,
            "readableLocations": location,
            "enableMultipleWriteLocations": False,
            "userConsistencyPolicy": {"defaultConsistencyLevel": self.consistency},
        }

    def _answer_database(self, request: Request, segments: list[str]) -> Reply:
        if request.method == "POST" and len(segments) == 1:
            name = _checked_name(json.loads(request.body))
            if name in self.databases:
                raise RejectedError(409, "The database exists.")
            self.databases[name] = {}
            return Reply(201, self._database(name))
        if request.method == "GET" and len(segments) == 2:
            if segments[1] not in self.databases:
                raise RejectedError(404, "The database does not exist.")
            return Reply(200, self._database(segments[1]))
        raise RejectedError(405, "The double does not support this request for a database.")

    def _database(self, name: str) -> dict[str, Any]:
        return {"id": name, "_rid": "double==", "_self": "dbs/double==/", "_colls": "colls/"}

    def _answer_container(
        self, request: Request, segments: list[str], database: dict[str, Container]
    ) -> Reply:
        if request.method == "POST" and len(segments) == 3:
            body = json.loads(request.body)
            name = _checked_name(body)
            if name in database:
                raise RejectedError(409, "The container exists.")
            self._rids += 1
            database[name] = Container(
                body, f"dbl{self._rids:05x}coll==", self.clock, self.partitions
            )
            database[name].documents.lag = self._lag
            return Reply(201, database[name].properties)
        if request.method == "GET" and len(segments) == 4:
            container = database.get(segments[3]) or _by_rid(database, segments[3])
            return Reply(200, container.properties)
        if request.method == "DELETE" and len(segments) == 4 and segments[3] in database:
            del database[segments[3]]
            return Reply(204)
        raise RejectedError(405, "The double does not support this request for a container.")


def _checked_name(body: dict[str, Any]) -> str:
    name = body.get("id")
    # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#control-plane
    if not isinstance(name, str) or not 0 < len(name) <= 255 or set(name) & set(FORBIDDEN_IN_ID):
        raise RejectedError(400, "The input name is invalid.")
    return name


def _by_rid(database: dict[str, Container], rid: str) -> Container:
    for container in database.values():
        if container.properties["_rid"].lower() == rid.lower():
            return container
    raise RejectedError(404, "The container does not exist.", substatus=1003)


def _ranges(request: Request, container: Container) -> Reply:
    """Answer with the physical partitions, which never change."""
    if request.headers.get("if-none-match") == '"1"':
        return Reply(304, None, {"etag": '"1"'})
    rid = container.properties["_rid"]
    ranges = [one.properties(rid) for one in container.documents.ranges]
    body = {"_rid": rid, "PartitionKeyRanges": ranges, "_count": len(ranges)}
    return Reply(200, body, {"etag": '"1"'})
