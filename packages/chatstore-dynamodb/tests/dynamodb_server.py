"""The test server, seen from the tests: a process of its own that ends with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import boto3

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "secret-of-tests"}
REGION = "eu-central-1"
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DynamoDBServer:
    """moto on a free port of the loopback; its process reads a pipe that we hold open."""

    def __init__(self) -> None:
        """Start it, and wait until it listens."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("dynamodb_moto.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "NO_PROXY": "*"},
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(30)
            self._errors.seek(0)
            said = self._errors.read()[-2000:].decode(errors="replace")
            self.close()
            raise RuntimeError(
                f"the test server did not start (status {self._process.returncode}): {said}"
            )
        self.url = f"http://127.0.0.1:{int(line)}"

    def client(self) -> Any:
        """Return a client past the store."""
        return boto3.client("dynamodb", region_name=REGION, endpoint_url=self.url, **KEYS)

    def new_table(self) -> str:
        """Make the table of LlamaIndex's documentation, under a name of its own."""
        name = f"chats-{uuid.uuid4()}"
        client = self.client()
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "SessionId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "SessionId", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.close()
        self.log()
        return name

    def log(self) -> list[dict[str, Any]]:
        """Return what was asked since the last time, with its units."""
        answer: list[dict[str, Any]] = self._order("log")
        return answer

    def set_fault(self, **fault: Any) -> None:
        """Let every so many-th request go wrong.

        Keywords: ``every``; ``actions`` (default: all); ``times``; and ``lose`` the reply,
        ``answer`` ``[status, body]`` instead, process a batch in ``partial``, or ``hang`` so
        many seconds.
        """
        self._order("fault", fault)

    def _order(self, name: str, body: Any = None) -> Any:
        data = json.dumps(body or {}).encode()
        with _NO_PROXY.open(f"{self.url}/-/{name}", data, timeout=30) as reply:
            return json.load(reply)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._errors.close()
