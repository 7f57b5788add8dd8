"""Starts the test server: a process of its own that ends with the tests."""

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
    """moto on a free port of the loopback interface; its process ends with its input pipe."""

    def __init__(self) -> None:
        """Start the process, and wait until it listens."""
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
            output = self._errors.read()[-2000:].decode(errors="replace")
            self.close()
            raise RuntimeError(
                f"the test server did not start (status {self._process.returncode}): {output}"
            )
        self.url = f"http://127.0.0.1:{int(line)}"

    def client(self) -> Any:
        """Return a client beside the store's."""
        return boto3.client("dynamodb", region_name=REGION, endpoint_url=self.url, **KEYS)

    def new_table(self) -> str:
        """Create the table of LlamaIndex's documentation, with a new name."""
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
        """Return the requests since the last call, with their units."""
        answer: list[dict[str, Any]] = self._instruct("log")
        return answer

    def set_fault(self, **fault: Any) -> None:
        """Let every n-th request go wrong.

        Args:
            fault: ``every`` (n); ``actions`` (by default all); ``times``; and what happens:
                ``lose`` the reply, ``answer`` with ``[status, body]``, process only a half of
                a batch (``partial``) or nothing of it (``partial="all"``), or ``hang`` for some
                seconds.

        """
        self._instruct("fault", fault)

    def _instruct(self, name: str, body: Any = None) -> Any:
        data = json.dumps(body or {}).encode()
        with _NO_PROXY.open(f"{self.url}/-/{name}", data, timeout=30) as reply:
            return json.load(reply)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._errors.close()
