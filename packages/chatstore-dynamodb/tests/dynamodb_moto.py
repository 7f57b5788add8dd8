"""The process of the test server: moto's DynamoDB, one request at a time, with a log and faults.

moto loses updates when its threads overlap, so a lock admits one request at a time. Tests send
their instructions over HTTP, too, to paths that begin with ``/-/``.
"""

from __future__ import annotations

import copy
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

from dynamodb_limits import Types, note_table, refusal
from dynamodb_units import units_of
from moto.dynamodb.models.dynamo_type import LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import ThreadedWSGIServer, make_server


def _copy_of_table(table: Table, _: dict[int, Any]) -> Table:
    """Copy what a transaction may change: moto would copy each item of the table each time."""
    copied = copy.copy(table)
    vars(Table)["instances_tracked"].pop()  # moto would keep the copy until it ends
    copied.items = table.items.copy()
    return copied


setattr(Table, "__deepcopy__", _copy_of_table)  # noqa: B010 - the class does not declare it
# It counts base64; `refusal` counts like the service.
setattr(LimitedSizeDict, "__setitem__", dict.__setitem__)  # noqa: B010 - it is a method


class Handler(MotoRequestHandler):
    """Keeps connections open, as the service does."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer; `Service` sets the date."""
        self.send_response_only(code, message)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - as in werkzeug
        """Write no access log."""


class Service:
    """moto behind a lock, with a log of requests, and with faults."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self._log: list[dict[str, Any]] = []
        self._fault: dict[str, Any] = {}
        self._seen = 0
        self._types: Types = {}

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"].startswith("/-/"):
            return self._instruct(environ["PATH_INFO"], body, start)
        action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        request = json.loads(body)
        with self._lock:
            fault = self._next_fault(action)
            note_table(self._types, action, request)
            refused = fault.get("answer") or _refused(refusal(action, request, self._types))
            left = _cut(action, request, fault.get("partial"))
            if refused:
                status, headers, output = f"{refused[0]} Refused", [], refused[1].encode()
                headers = [("x-amzn-requestid", "REFUSED")]
                if "date" in fault:
                    headers.append(("Date", fault["date"]))
            else:
                status, headers, output = self._ask_moto(environ, request)
                output = json.dumps({**json.loads(output), **left}).encode() if left else output
            self._note(action, len(body), request, status, output)
        if "hang" in fault:
            threading.Event().wait(fault["hang"])
        if fault.get("lose"):
            environ["werkzeug.socket"].shutdown(2)
        if not any(name.lower() == "date" for name, _ in headers):
            headers = [*headers, ("Date", formatdate(usegmt=True))]
        start(status, [*headers, ("Content-Length", str(len(output)))])
        return [output]

    def _ask_moto(
        self, environ: dict[str, Any], request: dict[str, Any]
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        body = json.dumps(request).encode()
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer: list[Any] = []
        output = b"".join(self._moto(environ, lambda *args: answer.extend(args[:2])))
        # A checksum of the whole would not fit an answer that is cut.
        dropped = {"content-length", "x-amz-crc32"}
        return answer[0], [pair for pair in answer[1] if pair[0].lower() not in dropped], output

    def _next_fault(self, action: str) -> dict[str, Any]:
        if not self._fault or action not in self._fault.get("actions", [action]):
            return {}
        self._seen += 1
        if self._seen % self._fault["every"] or self._fault.get("times") == 0:
            return {}
        if "times" in self._fault:
            self._fault["times"] -= 1
        self._log.append({"action": "fault"})
        return self._fault

    def _note(
        self, action: str, sent: int, request: dict[str, Any], status: str, output: bytes
    ) -> None:
        entry = {"action": action, "status": int(status.split(maxsplit=1)[0])}
        entry |= {"sent": sent, "received": len(output)}
        if entry["status"] == 200:
            entry |= units_of(action, request, json.loads(output or b"{}"))
        self._log.append(entry)

    def _instruct(self, path: str, body: bytes, start: Callable[..., Any]) -> Iterable[bytes]:
        reply = b"{}"
        with self._lock:
            if path == "/-/log":
                reply = json.dumps(self._log).encode()
                self._log.clear()
            elif path == "/-/fault":
                self._fault, self._seen = json.loads(body), 0
        start("200 OK", [("Content-Length", str(len(reply)))])
        return [reply]


def _refused(reason: str | None) -> tuple[int, str] | None:
    if reason is None:
        return None
    kind = "com.amazon.coral.validate#ValidationException"
    return 400, json.dumps({"__type": kind, "message": reason})


def _cut(action: str, request: dict[str, Any], partial: object) -> dict[str, Any]:
    """Take the second half, or all, out of a batch; return the service's answer about it."""
    if not partial or action not in {"BatchWriteItem", "BatchGetItem"}:
        return {}
    [(table, batch)] = request["RequestItems"].items()
    if action == "BatchWriteItem":
        half = 0 if partial == "all" else (len(batch) + 1) // 2
        request["RequestItems"][table] = batch[:half]
        return {"UnprocessedItems": {table: batch[half:]} if batch[half:] else {}}
    keys = batch["Keys"]
    half = 0 if partial == "all" else (len(keys) + 1) // 2
    request["RequestItems"][table] = {**batch, "Keys": keys[:half]}
    return {"UnprocessedKeys": {table: {**batch, "Keys": keys[half:]}} if keys[half:] else {}}


def main() -> None:
    """Serve on a free port, write it to the standard output, and end with the parent's pipe."""
    server = make_server("127.0.0.1", 0, Service(), threaded=True, request_handler=Handler)
    assert isinstance(server, ThreadedWSGIServer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
